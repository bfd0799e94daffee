import Foundation
import RelayConfiguration
import RelayTestKit
import Testing
import Yams

/// `deploy/kubernetes`
@Suite struct KubernetesTests {
    /// A document as YAML has it, by a path of keys and of indexes.
    private struct Manifest {
        let root: Node

        init(_ file: String) throws {
            root = try #require(try Yams.compose(yaml: Deploy.text("kubernetes/\(file)")), "\(file)")
        }

        func node(_ path: String) throws -> Node {
            try path.split(separator: ".").reduce(root) { node, key in
                let next = Int(key).map { node.sequence?.count ?? 0 > $0 ? node[$0] : nil } ?? node[String(key)]
                return try #require(next, "\(path)")
            }
        }

        func text(_ path: String) throws -> String { try #require(try node(path).string, "\(path)") }

        func texts(_ path: String) throws -> [String] {
            try #require(try node(path).sequence, "\(path)").compactMap(\.string)
        }
    }

    private static let container = "spec.template.spec.containers.0"

    private func options() throws -> RelayOptions {
        let file = try ConfigurationFile(yaml: Deploy.text("kubernetes/relay.yaml"), path: "relay.yaml")
        return try RelayOptions(resolving: ConfigurationLayers(file: file))
    }

    @Test(arguments: [
        ("deployment.yaml", "Deployment"), ("poddisruptionbudget.yaml", "PodDisruptionBudget"),
        ("migrate-job.yaml", "Job"), ("podmonitor.yaml", "PodMonitor"), ("kustomization.yaml", "Kustomization"),
    ]) func isADocument(_ file: String, _ kind: String) throws {
        let manifest = try Manifest(file)
        #expect(try manifest.text("kind") == kind && !manifest.text("apiVersion").isEmpty)
    }

    @Test func theKustomizationNamesWhatIsThere() throws {
        let kustomization = try Manifest("kustomization.yaml")
        let files =
            try kustomization.texts("resources") + kustomization.texts("configMapGenerator.0.files")
        #expect(files == ["deployment.yaml", "poddisruptionbudget.yaml", "relay.yaml"])
        let map = try kustomization.text("configMapGenerator.0.name")
        let deployment = try Manifest("deployment.yaml")
        #expect(try deployment.text("spec.template.spec.volumes.0.configMap.name") == map)
        #expect(try deployment.text("\(Self.container).image") == kustomization.text("images.0.name"))
        let tag = try kustomization.text("images.0.newTag")
        let job = try Manifest("migrate-job.yaml")
        #expect(try job.text("\(Self.container).image") == "\(deployment.text("\(Self.container).image")):\(tag)")
    }

    @Test func portsAndPathsAreThoseOfTheRelay() async throws {
        let listen = try #require(try options().listen)
        #expect(listen.host == "0.0.0.0")
        let deployment = try Manifest("deployment.yaml")
        #expect(try deployment.text("\(Self.container).ports.0.containerPort") == "\(listen.port)")
        let name = try deployment.text("\(Self.container).ports.0.name")
        let monitor = try Manifest("podmonitor.yaml")
        #expect(try monitor.text("spec.podMetricsEndpoints.0.port") == name)
        var paths = [try monitor.text("spec.podMetricsEndpoints.0.path")]
        for probe in ["livenessProbe", "readinessProbe"] {
            #expect(try deployment.text("\(Self.container).\(probe).httpGet.port") == name)
            paths.append(try deployment.text("\(Self.container).\(probe).httpGet.path"))
        }
        #expect(paths == ["/metrics", "/healthz", "/readyz"])

        let relay = try await ExposingRelay()
        for path in paths {
            let connection = try RawConnection(to: relay.address)
            try connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await connection.readToEnd().hasPrefix("HTTP/1.1 200 "), "\(path)")
        }
        #expect(try await relay.process.stop() == .exited(0))
    }

    @Test func theArgumentsAndTheConfigurationAreAccepted() async throws {
        let options = try options()
        #expect(options.sinks.map(\.name) == ["billing"])
        let deployment = try Manifest("deployment.yaml")
        let job = try Manifest("migrate-job.yaml")
        for manifest in [deployment, job] {
            #expect(try manifest.texts("\(Self.container).command") == ["/usr/bin/outbox-relay"])
        }
        // The same arguments, with this file where the volume has it.
        let arguments = try deployment.texts("\(Self.container).args")
        let mount = try deployment.text("\(Self.container).volumeMounts.0.mountPath")
        #expect(arguments.contains("\(mount)/relay.yaml"))
        // And the files that it names.
        let volumes = FileManager.default.temporaryDirectory.appendingPathComponent("volumes-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: volumes) }
        try FileManager.default.createDirectory(
            at: volumes.appendingPathComponent("webhooks"), withIntermediateDirectories: true)
        try Data("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".utf8)
            .write(to: volumes.appendingPathComponent("webhooks/billing"))
        let file = volumes.appendingPathComponent("relay.yaml").path
        try Data(Deploy.text("kubernetes/relay.yaml").replacing("/run/outbox-relay", with: volumes.path).utf8)
            .write(to: URL(fileURLWithPath: file))
        let relay = try RelayProcess.start(
            arguments.map { $0 == "\(mount)/relay.yaml" ? file : $0 }
                + ["--database", "host=127.0.0.1 port=9", "--listen", "127.0.0.1:0"])
        try await relay.waitForLog("waiting")
        #expect(try await relay.stop() == .exited(0))

        let database = try await PrivateCluster.shared().database(migrated: false)
        let migrated = try await run(
            ["outbox-relay"] + job.texts("\(Self.container).args"),
            environment: [try job.text("\(Self.container).env.0.name"): database.conninfo])
        #expect(migrated.status == .exited(0), "\(migrated.errors)")
    }

    @Test func whatTheConfigurationNamesIsMounted() throws {
        let deployment = try Manifest("deployment.yaml")
        let folders = try (0..<3).map { try deployment.text("\(Self.container).volumeMounts.\($0).mountPath") }
        let named = try Deploy.text("kubernetes/relay.yaml").matches(of: /\/run\/outbox-relay\/[\w\/.-]+/)
        #expect(named.count == 2)
        for path in named {
            #expect(folders.contains { path.output.hasPrefix("\($0)/") }, "\(path.output)")
        }
        let volumes = try (0..<3).map { try deployment.text("spec.template.spec.volumes.\($0).name") }
        #expect(try volumes == (0..<3).map { try deployment.text("\(Self.container).volumeMounts.\($0).name") })
    }

    @Test func oneStandsByAndItIsGivenTheTimeToEnd() throws {
        let deployment = try Manifest("deployment.yaml")
        #expect(try deployment.text("spec.replicas") == "2")
        let grace = try #require(Int(deployment.text("spec.template.spec.terminationGracePeriodSeconds")))
        #expect(try .seconds(grace) > options().shutdownTimeout)
        let labels = try deployment.node("spec.selector.matchLabels")
        #expect(try deployment.node("spec.template.metadata.labels") == labels)
        #expect(try Manifest("poddisruptionbudget.yaml").node("spec.selector.matchLabels") == labels)
        let name = "app.kubernetes.io/name"
        let selected = try Manifest("podmonitor.yaml").node("spec.selector.matchLabels")[name]?.string
        #expect(try selected == #require(labels[name]?.string))
    }

    /// `--memory` and 40 MiB and four times the largest payload, which the file takes for 16 MiB.
    @Test func thereIsMemoryForWhatThePromiseSays() throws {
        let limit = try Manifest("deployment.yaml").text("\(Self.container).resources.limits.memory")
        let mebibytes = try #require(limit.hasSuffix("Mi") ? Int(limit.dropLast(2)) : nil)
        #expect(try mebibytes << 20 >= options().memory + (40 << 20) + 4 * (16 << 20))
    }

    @Test(arguments: ["deployment.yaml", "migrate-job.yaml"]) func itMayDoNothing(_ file: String) throws {
        let manifest = try Manifest(file)
        for (path, value) in [
            ("spec.template.spec.securityContext.runAsNonRoot", "true"),
            ("spec.template.spec.securityContext.seccompProfile.type", "RuntimeDefault"),
            ("spec.template.spec.automountServiceAccountToken", "false"),
            ("\(Self.container).securityContext.readOnlyRootFilesystem", "true"),
            ("\(Self.container).securityContext.allowPrivilegeEscalation", "false"),
            ("\(Self.container).securityContext.capabilities.drop.0", "ALL"),
        ] {
            #expect(try manifest.text(path) == value, "\(path)")
        }
        let user = try manifest.text("spec.template.spec.securityContext.runAsUser")
        #expect(try #require(Int(user)) > 0)
    }
}
