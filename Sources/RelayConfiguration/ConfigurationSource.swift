private import Foundation

/// Where a configuration is read from: flags and environment as they are at the start, and a file that may change.
package struct ConfigurationSource: Sendable {
    private let flags: [OptionKey: String]
    private let sinkFlags: [String]
    private let environment: [String: String]
    /// `--config`, else `OUTBOX_RELAY_CONFIG`, else there is none.
    package let path: String?

    /// - Parameters:
    ///   - flags: what the command line gave, as it was written.
    ///   - sinkFlags: every `--sink` of the command line, in order.
    ///   - configFlag: what `--config` names.
    package init(
        flags: [OptionKey: String], sinkFlags: [String], configFlag: String?, environment: [String: String]
    ) {
        self.flags = flags
        self.sinkFlags = sinkFlags
        self.environment = environment
        path = configFlag ?? environment[OtherVariable.config].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The layers, with the file as it is now.
    package func layers() -> ConfigurationLayers {
        ConfigurationLayers(
            flags: flags, sinkFlags: sinkFlags, environment: environment, file: path.map(ConfigurationFile.init(path:)))
    }
}

extension ConfigurationFile {
    /// Reads a file; one that cannot be read has that as its problem.
    init(path: String) {
        guard let data = FileManager.default.contents(atPath: path) else {
            self.init(
                path: path,
                problem:
                    "the configuration file \(path) cannot be read; name an existing file that this user may read, "
                    + "with --config or OUTBOX_RELAY_CONFIG")
            return
        }
        guard let text = String(data: data, encoding: .utf8) else {
            self.init(path: path, problem: "the configuration file \(path) is not UTF-8; save it as UTF-8")
            return
        }
        self.init(yaml: text, path: path)
    }
}
