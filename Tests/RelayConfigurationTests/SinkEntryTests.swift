import FileSink
@testable import RelayConfiguration
import RelayCore
import Testing
import WebhookSink

@Suite("Entries of sinks")
struct SinkEntryTests {
    private func sinks(_ yaml: String) throws -> [SinkOption] {
        let layers = ConfigurationLayers(file: ConfigurationFile(yaml: yaml, path: "relay.yaml"))
        return try RelayOptions(resolving: layers).sinks
    }

    @Test func theContractsExample() throws {
        let sinks = try sinks(
            """
            mode: wal
            database: service=ledger
            sinks:
              - {name: audit, to: "file:/var/log/outbox/events-%Y-%m-%d.jsonl",
                 rotate: {size: 1GiB, age: 1d}, file_mode: "0640"}
              - name: billing
                to: https://billing.example/hooks
                secret_files: [/run/credentials/new, /run/credentials/old]
                mode: structured
                batch: 1
                order: id
                concurrency: 1
                on_reject: block
                retry: {base: 100ms, max: 30s}
                timeout: 30s
                include: ["transfer.*"]
                headers: {x-tenant: acme}
                header_files: {authorization: /run/credentials/token}
                tls: {ca: /etc/ssl/ours.pem, cert: /c, key: /k}
            """)
        var file = FileSinkSettings(name: "audit", path: "/var/log/outbox/events-%Y-%m-%d.jsonl")
        file.rotation = .init(size: 1 << 30, age: .seconds(86_400))
        var audit = SinkOption(name: "audit", spec: .stdout)
        audit.destination = .file(file)
        audit.place = "relay.yaml:4: sinks.audit.to"
        #expect(sinks.first == audit)
        var webhook = WebhookSettings(name: "billing", url: "https://billing.example/hooks")
        webhook.secretFiles = ["/run/credentials/new", "/run/credentials/old"]
        webhook.timeout = .seconds(30)
        webhook.headers = [.init(name: "x-tenant", value: "acme")]
        webhook.headerFiles = [.init(name: "authorization", path: "/run/credentials/token")]
        webhook.tls = .init(ca: "/etc/ssl/ours.pem", certificate: "/c", key: "/k")
        var billing = SinkOption(name: "billing", spec: .stdout)
        billing.destination = .webhook(webhook)
        billing.filter = EventFilter(types: .init(include: ["transfer.*"]))
        billing.place = "relay.yaml:7: sinks.billing.to"
        #expect(sinks.last == billing)
    }

    @Test func everyKeyIsTaken() throws {
        let sinks = try sinks(
            """
            sinks:
              - to: http://h/
                mode: binary
                order: key
                concurrency: 16
                on_reject: park-key
                retry: {base: 5ms, max: 1m}
                timeout: 1s
                connect_timeout: 2s
                idle_timeout: 3s
                include: [a, b]
                exclude: [c]
                include_aggregates: [d]
                exclude_aggregates: [e, f]
                headers: {X-One: "1", user-agent: ours}
              - to: file:./x
                rotate: {age: 1h}
                file_mode: 0600
                exclude: ["*"]
              - {to: stdout, order: id, concurrency: 1, retry: ~, include: ~}
              - {name: many, to: "https://h/", batch: 100, tls: {ca: ./ca.pem}}
            """)
        var webhook = WebhookSettings(name: "webhook", url: "http://h/")
        webhook.contentMode = .binary
        webhook.connections = 16
        webhook.timeout = .seconds(1)
        webhook.connectTimeout = .seconds(2)
        webhook.idleTimeout = .seconds(3)
        webhook.headers = [.init(name: "x-one", value: "1"), .init(name: "user-agent", value: "ours")]
        #expect(sinks[0].destination == .webhook(webhook))
        let lane = LanePolicy(
            order: .key(concurrency: 16, batch: 1), onReject: .parkKey, retry: RetryPolicy(base: 5, maximum: 60_000))
        #expect(sinks[0].lane == lane)
        let filter = EventFilter(
            types: .init(include: ["a", "b"], exclude: ["c"]), aggregates: .init(include: ["d"], exclude: ["e", "f"]))
        #expect(sinks[0].filter == filter)
        var file = FileSinkSettings(name: "file", path: "./x")
        file.rotation.age = .seconds(3600)
        file.mode = 0o600
        #expect(sinks[1].destination == .file(file))
        #expect(sinks[2] == SinkOption(name: "stdout", spec: .stdout, at: sinks[2].place))
        var many = WebhookSettings(name: "many", url: "https://h/")
        many.batch = 100
        many.tls = .init(ca: "./ca.pem")
        #expect(sinks[3].destination == .webhook(many))
        #expect(sinks[3].lane == LanePolicy())
    }

    @Test(arguments: [
        ("name: a", ":2: sinks[0]: this sink has no 'to'"),
        ("to: stdout\n    colour: red", ":3: sinks.stdout: the key 'colour' is unknown"),
        ("to: stdout\n    name: a b", ":3: sinks[0].name: the sink name 'a b' is not valid"),
        ("to: ftp://x", ":2: sinks[0].to: 'ftp:…' is not a sink"),
        ("to: [stdout]", ":2: sinks[0].to: must be a single value"),
        // What does not fit the kind.
        ("to: stdout\n    rotate: {size: 1GiB}", ":3: sinks.stdout.rotate: applies to a file, but this sink is stdout"),
        (
            "to: https://h/\n    rotate: {size: 1GiB}",
            ":3: sinks.webhook.rotate: applies to a file, but this sink is a webhook"
        ),
        (
            "to: file:/x\n    secret_files: [/s]",
            ":3: sinks.file.secret_files: applies to a webhook, but this sink is a file"
        ),
        ("to: file:/x\n    order: key", ":3: sinks.file.order: a file supports order: id only"),
        ("to: stdout\n    order: key", ":3: sinks.stdout.order: stdout supports order: id only"),
        ("to: file:/x\n    concurrency: 2", ":3: sinks.file.concurrency: needs order: key"),
        ("to: http://h/\n    concurrency: 2", ":3: sinks.webhook.concurrency: needs order: key"),
        ("to: http://h/\n    order: id\n    concurrency: 2", ":4: sinks.webhook.concurrency: needs order: key"),
        ("to: http://h/\n    mode: binary\n    batch: 2", ":4: sinks.webhook.batch: needs mode: structured"),
        ("to: http://h/\n    tls: {ca: /x}", ":3: sinks.webhook.tls: needs an https URL"),
        ("to: https://h/\n    tls: {cert: /x}", ":3: sinks.webhook.tls: cert and key go together"),
        ("to: https://h/\n    tls: {crt: /x}", ":3: sinks.webhook.tls: the key 'crt' is unknown"),
        // Shapes and ranges.
        ("to: file:/x\n    rotate: 1GiB", ":3: sinks.file.rotate must be a mapping"),
        ("to: file:/x\n    rotate: {}", ":3: sinks.file.rotate: has neither size nor age"),
        ("to: file:/x\n    rotate: {size: 1GB}", ":3: sinks.file.rotate.size: '1GB' is not a size"),
        ("to: file:/x\n    rotate: {size: 1KiB,\n      age: 0s}", ":4: sinks.file.rotate.age: 0s is out of range"),
        ("to: file:/x\n    rotate: {sise: 1KiB}", ":3: sinks.file.rotate: the key 'sise' is unknown"),
        ("to: file:/x\n    file_mode: rw-r-----", ":3: sinks.file.file_mode: 'rw-r-----' is not a file mode"),
        ("to: file:/x\n    file_mode: '0840'", "is not a file mode"),
        ("to: file:/x\n    file_mode: '4640'", "is not a file mode"),
        ("to: file:/x\n    file_mode: '0440'", ":3: sinks.file.file_mode: 0440 denies access to the relay itself"),
        ("to: http://h/\n    batch: 0", ":3: sinks.webhook.batch: 0 is out of range"),
        ("to: http://h/\n    batch: 1001", "out of range"),
        ("to: http://h/\n    mode: xml", "not one of the choices; write one of structured, binary"),
        ("to: http://h/\n    order: none", "not one of the choices; write one of id, key"),
        ("to: http://h/\n    order: key\n    concurrency: 257", ":4: sinks.webhook.concurrency: 257 is out of range"),
        ("to: http://h/\n    on_reject: drop", "write one of block, park, park-key"),
        ("to: http://h/\n    retry: 5s", ":3: sinks.webhook.retry must be a mapping"),
        ("to: http://h/\n    retry: {base: 0ms}", "retry.base: 0ms is out of range"),
        ("to: http://h/\n    retry: {base: 31s}", ":3: sinks.webhook.retry: the base of 31s is above the max of 30s"),
        ("to: http://h/\n    retry: {max: 2d}", "retry.max: 2d is out of range"),
        ("to: http://h/\n    timeout: 11m", "sinks.webhook.timeout: 11m is out of range"),
        ("to: http://h/\n    connect_timeout: 0s", "sinks.webhook.connect_timeout: 0s is out of range"),
        ("to: http://h/\n    idle_timeout: soon", "sinks.webhook.idle_timeout: 'soon' is not a duration"),
        ("to: stdout\n    include: transfer.*", ":3: sinks.stdout.include: must be a list"),
        ("to: stdout\n    include: []", ":3: sinks.stdout.include: must be a list of 1 to 100"),
        (
            "to: stdout\n    exclude:\n      - a\n      - ['b']",
            ":3: sinks.stdout.exclude: must be a list of single values"
        ),
        ("to: stdout\n    exclude:\n      - a\n      - ''", ":5: sinks.stdout.exclude: a pattern has 1 to 255 bytes"),
        // Headers.
        ("to: http://h/\n    headers:\n      a b: c", ":4: sinks.webhook.headers.a b: is not a header name"),
        ("to: http://h/\n    headers: [a]", ":3: sinks.webhook.headers must be a mapping"),
        ("to: http://h/\n    headers: {x: ''}", "headers.x: has a value that is not a header value"),
        ("to: http://h/\n    headers: {x: ~}", "headers.x: has no value"),
        ("to: http://h/\n    headers: {x: \"a\\r\\nb: c\"}", "headers.x: has a value that is not a header value"),
        ("to: http://h/\n    headers: {X-A: a,\n      x-a: b}", ":4: sinks.webhook.headers.x-a: is given twice"),
        (
            "to: http://h/\n    headers: {x-a: b}\n    header_files: {X-A: /f}",
            ":4: sinks.webhook.header_files.X-A: is given twice"
        ),
        ("to: http://h/\n    header_files: {x-a: ~}", "header_files.x-a: names no file"),
    ])
    func refused(_ entry: String, _ part: String) throws {
        let problem = try onlyProblem { try sinks("sinks:\n  - \(entry)") }
        #expect(problem.kind == .configuration)
        #expect(problem.message.hasPrefix("relay.yaml:"))
        #expect(problem.message.contains(part), "\(problem.message)")
    }

    @Test(arguments: [
        "webhook-id", "Webhook-Signature", "Content-Type", "content-length", "ce-id", "CE-Type", "Host", "connection",
        "transfer-encoding", "proxy-authorization",
    ])
    func aReservedHeaderIsRefused(_ name: String) throws {
        for key in ["headers", "header_files"] {
            let problem = try onlyProblem {
                try sinks("sinks: [{to: 'http://h/', \(key): {\(name): /f}}]")
            }
            #expect(problem.message.contains("\(key).\(name): is a header that the relay sets itself"))
        }
    }

    @Test(arguments: [
        "headers: {authorization: hunter2}", "headers: {X-Api-Key: hunter2}", "headers: {cookie: hunter2}",
        "headers: {x-auth-token: hunter2}", "secret_files: [hunter2]", "secret_files: [whsec_hunter2]",
        "header_files: {authorization: Bearer hunter2}", "secret: hunter2", "password: hunter2", "token: hunter2",
        "tls: {key: hunter2}", "headers: {x: \"hunter2\\n\"}", "headers: {x: [hunter2]}", "user: hunter2",
        "secret_files: [/a, hunter2]",
    ])
    func aSecretWrittenDownIsRefusedAndNotShown(_ entry: String) throws {
        let problem = try onlyProblem {
            try sinks("sinks: [{to: 'https://h/', \(entry)}]")
        }
        #expect(problem.kind == .configuration)
        #expect(!problem.message.contains("hunter2"), "\(problem.message)")
    }

    @Test(arguments: ["order: key", "on_reject: park-key"])
    func withoutOrderThereIsNoneByKey(_ entry: String) throws {
        let problem = try onlyProblem {
            try sinks("order: none\nsinks: [{to: 'http://h/', \(entry)}]")
        }
        #expect(problem.message.hasPrefix("relay.yaml:2: sinks.webhook.to: order none keeps no order by key"))
    }

    @Test(arguments: [
        ("{name: a, to: stdout}\n  - {name: a, to: 'file:/x'}", ":3: sinks.a.to: two sinks are named 'a'"),
        ("{to: 'http://a/'}\n  - {to: 'http://b/'}", ":3: sinks.webhook.to: two sinks are named 'webhook'"),
        ("{to: 'file:/x'}\n  - {name: b, to: 'file:/y/../x'}", ":3: sinks.b.to: sinks file and b write to one file"),
        ("{to: stdout}\n  - {name: b, to: stdout}", ":3: sinks.b.to: sinks stdout and b both write to stdout"),
    ])
    func sinksInEachOthersWayAreRefused(_ entries: String, _ part: String) throws {
        let problem = try onlyProblem { try sinks("sinks:\n  - \(entries)") }
        #expect(problem.message.contains(part), "\(problem.message)")
    }
}
