import Testing

@testable import RelayTracing

@Suite("Where spans go")
struct TracingSettingsTests {
    private func settings(
        _ url: String = "http://localhost:4318", _ environment: [String: String] = [:]
    ) throws -> TracingSettings {
        try TracingSettings(url: url, environment: environment)
    }

    private func problem(_ url: String = "http://localhost:4318", _ environment: [String: String] = [:]) -> String? {
        do throws(TracingProblem) {
            _ = try TracingSettings(url: url, environment: environment)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ("http://localhost:4318", "http://localhost:4318/v1/traces", "http://localhost:4318"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces", "http://localhost:4318"),
        ("https://otlp.example/api/v1/traces", "https://otlp.example/api/v1/traces", "https://otlp.example"),
        ("http://h/secret/path?key=1#part", "http://h/secret/path?key=1", "http://h"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces", "http://[::1]:4318"),
    ])
    func addresses(given: String, url: String, shown: String) throws {
        let settings = try settings(given)
        #expect(settings.url == url && settings.shown == shown)
    }

    @Test(arguments: ["", "localhost:4318", "grpc://localhost:4317", "http://", "http://h:0", "http://h:70000"])
    func noAddresses(_ url: String) { #expect(problem(url)?.hasPrefix("the collector's URL") == true) }

    @Test func aUserIsNoPartOfIt() {
        let said = problem("http://me:hunter2@h:4318")
        #expect(said?.contains("OTEL_EXPORTER_OTLP_HEADERS") == true && said?.contains("hunter2") == false)
    }

    @Test func headersOfTheEnvironment() throws {
        let list = "Authorization=Bearer%20abc%2C1, x-tenant = acme ,,x-tenant=other"
        let headers = try settings("http://h", ["OTEL_EXPORTER_OTLP_HEADERS": list]).headers
        #expect(headers.map(\.name) == ["authorization", "x-tenant"])
        #expect(headers.map(\.value) == ["Bearer abc,1", "other"])
        let both = ["OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"]
        #expect(try settings("http://h", both).headers.map(\.name) == ["b"])
        let empty = ["OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": ""]
        #expect(try settings("http://h", empty).headers.map(\.name) == ["a"])
    }

    @Test(arguments: [
        "hunter2", "a b=hunter2", "=hunter2", "a=hunter2%", "a=hunter2%0D%0A", "content-type=hunter2", "Host=hunter2",
        (0...64).map { "h\($0)=hunter2" }.joined(separator: ","), "a=hunter2" + String(repeating: "x", count: 9000),
    ])
    func badHeadersAreNamedAndNotShown(_ list: String) throws {
        let said = problem("http://h", ["OTEL_EXPORTER_OTLP_HEADERS": list])
        #expect(said?.contains("OTEL_EXPORTER_OTLP_HEADERS") == true && said?.contains("hunter2") == false)
    }

    @Test func whoseSpansTheyAre() throws {
        #expect(try settings().resource == ["service.name": "outbox-relay"])
        let attributes = ["OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=a%20b"]
        #expect(
            try settings("http://h", attributes).resource
                == ["deployment.environment.name": "test", "service.name": "a b"])
        let named = attributes.merging(["OTEL_SERVICE_NAME": "ours"]) { $1 }
        #expect(try settings("http://h", named).resource["service.name"] == "ours")
        #expect(problem("http://h", ["OTEL_RESOURCE_ATTRIBUTES": "a"])?.contains("OTEL_RESOURCE_ATTRIBUTES") == true)
    }

    @Test func anotherProtocolIsWarnedOf() throws {
        #expect(try settings().warning == nil)
        #expect(try settings("http://h", ["OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"]).warning == nil)
        let warning = try settings("http://h", ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"]).warning
        #expect(warning?.contains("OTEL_EXPORTER_OTLP_PROTOCOL") == true)
    }
}
