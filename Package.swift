// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with: the strictest reading of Swift 6, and no warning left standing.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let http = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioTLS = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let tlsEvents = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let server = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let serverCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "outbox-relay",
    products: [
        .executable(name: "outbox-relay", targets: ["OutboxRelay"]),
        .executable(name: "ledger", targets: ["Ledger"]),
        .executable(name: "demo-audit", targets: ["DemoAudit"]),
        .executable(name: "demo-receiver", targets: ["DemoReceiver"]),
        .executable(name: "manual-page", targets: ["ManualPage"]),
        .executable(name: "icu-data", targets: ["ICUData"]),
        .executable(name: "relay-model", targets: ["RelayModel"]),
        .executable(name: "ledger-model", targets: ["LedgerModel"]),
        .executable(name: "relay-simulation", targets: ["RelaySimulationCommand"]),
        .executable(name: "relay-bench", targets: ["RelayBench"]),
        .executable(name: "relay-counts", targets: ["RelayCounts"]),
        .executable(name: "relay-chaos", targets: ["RelayChaos"]),
        // Not linked by anything: `relay-chaos` loads it into the relays that it starts.
        .library(name: "clock-shift", type: .dynamic, targets: ["ClockShift"]),
        // Nor this: tests of `doctor` load it.
        .library(name: "full-disk", type: .dynamic, targets: ["FullDisk"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.40.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.34.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C that Swift sees as modules.
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CLinux"),

        // The way of an event, from the server's socket to the sink.
        .target(name: "WallClock", swiftSettings: strict),
        .target(name: "DedicatedThreads", dependencies: ["CLinux"], swiftSettings: strict + [.strictMemorySafety()]),
        .target(
            name: "Libpq", dependencies: ["CLibpq", "DedicatedThreads"],
            swiftSettings: strict + [.strictMemorySafety()]),
        .target(name: "RelayCore", swiftSettings: strict),
        .target(
            name: "PostgresOutbox",
            dependencies: ["DedicatedThreads", "RelayCore", "Libpq", "OutboxMigrations", "WallClock"],
            swiftSettings: strict),
        .target(name: "StdoutSink", dependencies: ["DedicatedThreads", "RelayCore"], swiftSettings: strict),
        .target(name: "TraceContext", dependencies: ["RelayCore", tracing], swiftSettings: strict),
        .target(
            name: "WebhookSink",
            dependencies: [
                "DedicatedThreads", "RelayCore", "TraceContext", "WallClock", http, crypto, nio, nioPosix, nioHTTP1,
                nioHTTP2, nioTLS, tlsEvents, tracing,
            ],
            swiftSettings: strict),
        .target(
            name: "FileSink", dependencies: ["CLinux", "DedicatedThreads", "RelayCore", "WallClock"],
            swiftSettings: strict),
        .target(name: "RelayRuntime", dependencies: ["DedicatedThreads", "RelayCore"], swiftSettings: strict),

        // What an operator meets.
        .target(
            name: "OutboxAudit", dependencies: ["FileSink", "PostgresOutbox", "RelayCore", crypto],
            swiftSettings: strict),
        .target(
            name: "RelayConfiguration", dependencies: ["FileSink", "RelayCore", "WebhookSink", yaml],
            swiftSettings: strict),
        .target(
            name: "RelayObservability", dependencies: ["DedicatedThreads", "RelayCore", "WallClock", log, metrics],
            swiftSettings: strict),
        .target(
            name: "RelayTracing",
            dependencies: ["RelayCore", "TraceContext", http, metrics, nio, nioHTTP1, nioPosix, tracing],
            swiftSettings: strict),
        .target(name: "PrometheusText", dependencies: [metrics], swiftSettings: strict),
        .target(name: "HTTPServing", dependencies: [nio, nioHTTPTypes, httpTypes], swiftSettings: strict),
        .target(
            name: "RelaySight",
            dependencies: [
                "DedicatedThreads", "HTTPServing", "Libpq", "PostgresOutbox", "PrometheusText", "RelayCore",
                "RelayObservability", "WallClock", crypto, httpTypes, lifecycle, log, metrics, nio, nioPosix, server,
                serverCore,
            ],
            resources: [.embedInCode("Files")], swiftSettings: strict),
        .target(name: "Migrations", dependencies: ["Libpq"], swiftSettings: strict),
        .target(
            name: "OutboxMigrations", dependencies: ["Migrations"],
            resources: [.embedInCode("Files")], swiftSettings: strict),
        .executableTarget(
            name: "OutboxRelay",
            dependencies: [
                "CMalloc", "DedicatedThreads", "Libpq", "RelayCore", "PostgresOutbox", "StdoutSink", "WebhookSink",
                "FileSink", "RelayRuntime", "OutboxAudit", "PrometheusText", "RelayConfiguration", "RelayObservability",
                "RelaySight", "RelayTracing", "Migrations", "OutboxMigrations", arguments, log, metrics,
                tracing,
            ],
            swiftSettings: strict),

        // The reference ledger: the relay neither links nor knows it.
        .target(
            name: "LedgerMigrations", dependencies: ["Migrations"],
            resources: [.embedInCode("Files")], swiftSettings: strict),
        .target(name: "LedgerCore", swiftSettings: strict),
        .executableTarget(
            name: "Ledger",
            dependencies: [
                "DedicatedThreads", "HTTPServing", "LedgerCore", "LedgerMigrations", "Libpq", "Migrations",
                "PrometheusText", arguments, crypto, deque, histogram, http, httpTypes, lifecycle, log, metrics, nio,
                nioHTTP1, nioHTTPTypes, server, serverCore, signals,
            ],
            resources: [.embedInCode("Serve/Files")], swiftSettings: strict),
        .executableTarget(name: "DemoAudit", dependencies: ["Libpq"], swiftSettings: strict),
        .executableTarget(name: "DemoReceiver", dependencies: [httpTypes, log, nio, server], swiftSettings: strict),

        // What packing needs.
        .executableTarget(name: "ManualPage", swiftSettings: strict),
        .executableTarget(name: "ICUData", swiftSettings: strict),

        // What proof and tests stand on. The writer is a process that the file sink's tests kill while it writes.
        .target(
            name: "RelayTestKit", dependencies: ["Libpq", "RelayCore"], path: "Tests/RelayTestKit",
            swiftSettings: strict),
        .target(
            name: "SinkConformance", dependencies: ["RelayCore", "RelayTestKit"], path: "Tests/SinkConformance",
            swiftSettings: strict),
        .target(
            name: "WebhookReceiver", dependencies: [nio, nioPosix, nioHTTP1, nioHTTP2, nioTLS],
            path: "Tests/WebhookReceiver", swiftSettings: strict),
        .executableTarget(
            name: "FileSinkWriter", dependencies: ["FileSink", "RelayCore", "RelayTestKit"],
            path: "Tests/FileSinkWriter", swiftSettings: strict),

        // Proof: what decides, explored; the relay, simulated, measured and attacked; what reads others' bytes, fuzzed.
        .target(name: "StateSpace", path: "Tests/Proof/StateSpace", swiftSettings: strict),
        .target(
            name: "RelayExploration", dependencies: ["RelayCore", "StateSpace"], path: "Tests/Proof/RelayExploration",
            swiftSettings: strict),
        .executableTarget(
            name: "RelayModel", dependencies: ["RelayCore", "RelayExploration"], path: "Tests/Proof/RelayModel",
            swiftSettings: strict),
        .target(
            name: "LedgerExploration", dependencies: ["LedgerCore", "StateSpace"],
            path: "Tests/Proof/LedgerExploration",
            swiftSettings: strict),
        .executableTarget(
            name: "LedgerModel", dependencies: ["LedgerExploration"], path: "Tests/Proof/LedgerModel",
            swiftSettings: strict),
        .executableTarget(
            name: "RelayCounts", dependencies: ["PostgresOutbox", "RelayCore", arguments],
            path: "Tests/Proof/RelayCounts", swiftSettings: strict),
        .target(name: "CExecutorHooks", path: "Tests/Proof/CExecutorHooks"),
        .target(
            name: "RelaySimulation", dependencies: ["CExecutorHooks", "RelayCore", "RelayRuntime"],
            path: "Tests/Proof/RelaySimulation", swiftSettings: strict),
        .executableTarget(
            name: "RelaySimulationCommand", dependencies: ["RelaySimulation", arguments],
            path: "Tests/Proof/RelaySimulationCommand", swiftSettings: strict),
        .executableTarget(
            name: "RelayBench",
            dependencies: [
                "CLibpq", "Libpq", "RelayCore", "RelayTestKit", "WebhookReceiver", "WebhookSink", arguments, http, nio,
                nioHTTP1,
            ],
            path: "Tests/Proof/RelayBench", swiftSettings: strict),
        .target(name: "ClockShift", path: "Tests/ClockShift", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "FullDisk", path: "Tests/FullDisk", cSettings: [.define("_GNU_SOURCE")]),
        .executableTarget(
            name: "RelayChaos", dependencies: ["Libpq", "RelayTestKit", "WebhookReceiver", arguments],
            path: "Tests/Proof/RelayChaos", swiftSettings: strict),
        .target(
            name: "RelayFuzzing",
            dependencies: [
                "FileSink", "LedgerCore", "Libpq", "OutboxAudit", "PostgresOutbox", "RelayConfiguration", "RelayCore",
                "WebhookSink", nio, nioEmbedded, nioHTTP1,
            ],
            path: "Tests/RelayFuzzing", swiftSettings: strict),

        // Tests, in the order of the sources.
        .testTarget(name: "DedicatedThreadsTests", dependencies: ["DedicatedThreads"], swiftSettings: strict),
        .testTarget(
            name: "LibpqTests", dependencies: ["DedicatedThreads", "Libpq", "RelayTestKit"], swiftSettings: strict),
        .testTarget(
            name: "RelayCoreTests", dependencies: ["RelayCore", "RelayExploration", "RelayTestKit"],
            swiftSettings: strict),
        .testTarget(name: "PgoutputTests", dependencies: ["PostgresOutbox", "RelayCore"], swiftSettings: strict),
        .testTarget(
            name: "PostgresOutboxTests",
            dependencies: ["Libpq", "OutboxMigrations", "PostgresOutbox", "RelayCore", "RelayTestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "StdoutSinkTests", dependencies: ["StdoutSink", "RelayCore", "RelayTestKit", "SinkConformance"],
            swiftSettings: strict),
        .testTarget(
            name: "WebhookSinkTests",
            dependencies: [
                "DedicatedThreads", "WebhookSink", "RelayCore", "RelayTestKit", "RelayTracing", "SinkConformance",
                "TraceContext", "WebhookReceiver", metricsTestKit, nio, nioHTTP1, nioTLS, tracing,
            ],
            exclude: ["judge"], swiftSettings: strict),
        .testTarget(
            name: "FileSinkTests",
            dependencies: ["FileSink", "FileSinkWriter", "RelayCore", "RelayTestKit", "SinkConformance", "WallClock"],
            swiftSettings: strict),
        .testTarget(
            name: "RelayRuntimeTests",
            dependencies: [
                "Libpq", "PostgresOutbox", "RelayCore", "RelayObservability", "RelayRuntime", "RelayTestKit",
                "SinkConformance",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "OutboxAuditTests", dependencies: ["OutboxAudit", "RelayCore", "RelayTestKit", crypto],
            swiftSettings: strict),
        .testTarget(
            name: "RelayConfigurationTests",
            dependencies: ["FileSink", "RelayConfiguration", "RelayCore", "WebhookSink"], swiftSettings: strict),
        .testTarget(
            name: "RelayObservabilityTests",
            dependencies: ["RelayObservability", "RelayCore", "RelayTestKit", log, metrics, metricsTestKit],
            swiftSettings: strict),
        .testTarget(
            name: "RelayTracingTests",
            dependencies: [
                "RelayCore", "RelayTestKit", "RelayTracing", "TraceContext", "WebhookReceiver", metrics, metricsTestKit,
                tracing,
            ],
            exclude: ["judge"], swiftSettings: strict),
        .testTarget(
            name: "OutboxRelayTests", dependencies: ["OutboxRelay", "PostgresOutbox"], swiftSettings: strict),
        .testTarget(
            name: "RelaySightTests",
            dependencies: [
                "Libpq", "PostgresOutbox", "PrometheusText", "RelayCore", "RelayObservability", "RelaySight",
                "RelayTestKit", "WallClock", crypto, http, metrics, nio, nioHTTP1,
            ],
            exclude: ["judge"], swiftSettings: strict),
        .testTarget(
            name: "LedgerCoreTests", dependencies: ["LedgerCore", "LedgerExploration"], swiftSettings: strict),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "LedgerCore", "LedgerMigrations", "Libpq", "Migrations", "OutboxMigrations", "PrometheusText",
                "RelayTestKit", http, metrics, nio, nioHTTP1,
            ],
            exclude: ["judge"], swiftSettings: strict),
        .testTarget(name: "DemoAuditTests", dependencies: ["DemoAudit"], swiftSettings: strict),

        // Tests of the proof, and short forms of it.
        .testTarget(
            name: "SimulationTests", dependencies: ["RelaySimulation", "RelaySimulationCommand", "RelayTestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "RelayChaosTests", dependencies: ["RelayChaos", "RelayTestKit", "OutboxRelay", "Ledger"],
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["RelayFuzzing", "RelayTestKit"], swiftSettings: strict),

        // Tests of the whole: the binary, what it is deployed with, and what is written about it.
        .testTarget(
            name: "EndToEndTests", dependencies: ["Libpq", "RelayTestKit", "OutboxRelay", "WebhookReceiver"],
            swiftSettings: strict),
        .testTarget(
            name: "DeployTests",
            dependencies: [
                "ICUData", "Ledger", "Libpq", "ManualPage", "OutboxRelay", "RelayConfiguration", "RelayTestKit", yaml,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DocumentationTests",
            dependencies: ["OutboxRelay", "RelayConfiguration", "RelayObservability", "RelayTestKit", "RelayTracing"],
            swiftSettings: strict),
    ]
)

// `make fuzz`: every target below is built to tell libFuzzer what an input reached.
if Context.environment["RELAY_FUZZ"] != nil {
    let coverage = SwiftSetting.unsafeFlags(["-sanitize=fuzzer,address"])
    let fuzzed: Set<String> = [
        "FileSink", "LedgerCore", "Libpq", "OutboxAudit", "PostgresOutbox", "RelayConfiguration", "RelayCore",
        "RelayFuzzing", "TraceContext", "WebhookSink",
    ]
    for target in package.targets where fuzzed.contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + [coverage]
    }
    package.targets.append(
        .executableTarget(
            name: "RelayFuzzer", dependencies: ["RelayFuzzing"], path: "Tests/RelayFuzzer",
            swiftSettings: strict + [coverage],
            // libFuzzer is linked whole, with a main that gives way to the target's; other linkers refuse the two.
            linkerSettings: [
                .unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld", "-Xlinker", "--allow-multiple-definition"])
            ]))
    package.products.append(.executable(name: "relay-fuzzer", targets: ["RelayFuzzer"]))
}
