import Foundation
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayTracing
import WebhookSink

/// A configuration that was checked as a whole, with the files that it names: as far as that goes without the database and
/// without opening a sink.
struct CheckedConfiguration: Sendable {
    let resolution: Resolution
    let target: ConnectionTarget
    /// What the files hold that webhooks name, by the sink's name.
    let files: [String: WebhookFiles]
    /// Where spans go; nil where nothing is traced.
    let tracing: TracingSettings?

    var options: RelayOptions { resolution.options }

    /// Reads the files that the layers name, and waits for the file system.
    ///
    /// - Throws: everything that is wrong.
    init(_ layers: ConfigurationLayers) throws(ConfigurationProblems) {
        let found = FoundProblems()
        let resolution = Resolution(layers, noting: found)
        let target = resolution.target(noting: found)
        let files = Self.readFiles(resolution.options.sinks, noting: found)
        let tracing = Self.tracing(resolution.options, noting: found)
        try found.check()
        self.init(resolution: resolution, target: target, files: files, tracing: tracing)
    }

    private init(
        resolution: Resolution, target: ConnectionTarget, files: [String: WebhookFiles], tracing: TracingSettings?
    ) {
        self.resolution = resolution
        self.target = target
        self.files = files
        self.tracing = tracing
    }

    /// What goes on in a process that has begun with this one and now reads the other: nothing that needs a restart.
    ///
    /// - Throws: what is wrong with the new sinks beside that.
    func reread(as new: CheckedConfiguration) throws(ConfigurationProblems) -> CheckedConfiguration {
        let found = FoundProblems()
        let resolution = resolution.reread(as: new.resolution, noting: found)
        try found.check()
        return CheckedConfiguration(resolution: resolution, target: target, files: new.files, tracing: tracing)
    }

    /// What another one asks of a process that runs with this.
    func change(to new: CheckedConfiguration) -> ConfigurationChange {
        let rewritten = files.keys.filter { new.files[$0] != files[$0] }
        return ConfigurationChange(from: resolution.said, to: new.resolution.said, rewritten: Set(rewritten))
    }

    private static func tracing(_ options: RelayOptions, noting found: FoundProblems) -> TracingSettings? {
        do throws(TracingProblem) {
            return try TracingSettings(otlp: options.otlp, environment: ProcessInfo.processInfo.environment)
        } catch {
            found.note(.configuration(error.message))
            return nil
        }
    }

    private static func readFiles(_ sinks: [SinkOption], noting found: FoundProblems) -> [String: WebhookFiles] {
        var files: [String: WebhookFiles] = [:]
        for sink in sinks {
            found.value { () throws(ConfigurationProblem) in try sink.check() }
            guard case .webhook(let settings) = sink.destination else { continue }
            let (content, problems) = settings.readFiles()
            for problem in problems { found.note(sink.problem(problem)) }
            files[sink.name] = content
        }
        return files
    }
}

extension Resolution {
    /// The database; one that cannot be read is noted, and stands for libpq's default.
    func target(noting found: FoundProblems) -> ConnectionTarget {
        do throws(PostgresError) {
            return try ConnectionTarget(parsing: options.database)
        } catch {
            found.note(problem(Refusal(error).message, of: .database))
            return ConnectionTarget()
        }
    }
}
