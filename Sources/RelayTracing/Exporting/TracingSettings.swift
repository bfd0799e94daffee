import Foundation

/// Where spans go, and as whose.
package struct TracingSettings: Sendable, Hashable {
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// Where requests are posted: the whole URL.
    package let url: String
    /// What is shown of it.
    package let shown: String
    /// What goes with every request; may hold secrets, never shown.
    package let headers: [Header]
    /// What says whose spans they are, by name: `service.name` and what else the environment has.
    package let resource: [String: String]
    /// What deserves a look and stops nothing: one sentence.
    package let warning: String?

    /// What is configured here, else what OpenTelemetry's own variables say (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else
    /// OTEL_EXPORTER_OTLP_ENDPOINT, unless OTEL_SDK_DISABLED is true); nil where nothing is to be traced.
    package init?(otlp: String?, environment: [String: String]) throws(TracingProblem) {
        guard let place = Self.place(otlp, environment) else { return nil }
        do throws(TracingProblem) {
            try self.init(url: place.url, environment: environment)
        } catch {
            throw TracingProblem("\(place.name): \(error.message)")
        }
    }

    /// The collector's URL, and where it is given. The general variable holds what the path of traces is added to.
    private static func place(_ otlp: String?, _ environment: [String: String]) -> (name: String, url: String)? {
        if let otlp { return ("otlp", otlp) }
        guard environment["OTEL_SDK_DISABLED"]?.lowercased() != "true" else { return nil }
        let (traces, every) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        if let url = environment[traces], !url.isEmpty { return (traces, url) }
        guard let url = environment[every], !url.isEmpty else { return nil }
        return (every, url.hasSuffix("/") ? url + path.dropFirst() : url + path)
    }

    /// - Parameters:
    ///   - url: The collector's address, http or https; without a path, that of OTLP over HTTP is added.
    ///   - environment: OpenTelemetry's own variables: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
    ///     OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_TRACES_HEADERS, which replaces it.
    package init(url text: String, environment: [String: String]) throws(TracingProblem) {
        guard var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = parts.encodedHost, !host.isEmpty
        else { throw TracingProblem("the collector's URL is not valid; write it like http://localhost:4318") }
        if parts.user != nil || parts.password != nil {
            throw TracingProblem(
                "the collector's URL contains a user; put its credentials into OTEL_EXPORTER_OTLP_HEADERS instead")
        }
        guard (1...65535).contains(parts.port ?? 443) else {
            throw TracingProblem("the collector's URL has a port that is out of range; write one from 1 to 65535")
        }
        parts.fragment = nil
        if parts.percentEncodedPath.isEmpty || parts.percentEncodedPath == "/" { parts.percentEncodedPath = Self.path }
        guard let url = parts.string else {
            throw TracingProblem("the collector's URL is not valid; write it like http://localhost:4318")
        }
        self.url = url
        shown = "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
        headers = try Self.headers(environment)
        resource = try Self.resource(environment)
        warning = Self.warning(environment)
    }

    /// Where OTLP over HTTP has traces.
    private static let path = "/v1/traces"

    private static func headers(_ environment: [String: String]) throws(TracingProblem) -> [Header] {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]
        guard let variable = names.first(where: { environment[$0]?.isEmpty == false }),
            let text = environment[variable]
        else { return [] }
        return try VariableList.read(text, of: variable, isName: isHeaderName).map {
            Header(name: $0.name.lowercased(), value: $0.value)
        }
    }

    private static func resource(_ environment: [String: String]) throws(TracingProblem) -> [String: String] {
        let variable = "OTEL_RESOURCE_ATTRIBUTES"
        let isName = { (name: String) in !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
        let given = try VariableList.read(environment[variable] ?? "", of: variable, isName: isName)
        var resource = ["service.name": "outbox-relay"]
        for entry in given { resource[entry.name] = entry.value }
        if let name = environment["OTEL_SERVICE_NAME"], !name.isEmpty { resource["service.name"] = name }
        return resource
    }

    /// A field name (RFC 9110, section 5.1) that does not frame the message.
    private static func isHeaderName(_ name: String) -> Bool {
        let framing = ["content-type", "content-length", "content-encoding", "transfer-encoding", "host", "connection"]
        return !name.isEmpty && !framing.contains(name.lowercased())
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func warning(_ environment: [String: String]) -> String? {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let wanted = environment[name], !wanted.isEmpty else { continue }
            if wanted == "http/json" { return nil }
            return "\(name) is not http/json, the only form in which spans are sent; "
                + "let the URL name the collector's port for HTTP, mostly 4318"
        }
        return nil
    }
}
