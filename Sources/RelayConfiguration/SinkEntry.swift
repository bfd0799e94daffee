private import FileSink
private import RelayCore
private import WebhookSink

extension SinkOption {
    /// Reads an entry of `sinks:`, whole: every key is known, fits the kind of sink and holds what it must.
    init(reading entry: FileSection) throws(ConfigurationProblem) {
        guard let target = try entry.setting(.to) else {
            throw entry.problem("this sink has no 'to'; write to: stdout, file:PATH, http://… or https://…")
        }
        let spec = try SinkSpec(parsing: target.text, at: target.place)
        let name = try entry.setting(.name)
        if let name { try Self.check(name: name.text, at: name.place) }
        self.init(name: name?.text ?? spec.kind.rawValue, spec: spec)
        var section = entry
        section.path = "sinks.\(self.name)"
        place = section.place(of: SinkKey.to.rawValue)
        try section.refuseUnfit(for: spec.kind)
        let keys = try LaneKeys(reading: section, kind: spec.kind)
        lane = keys.policy
        filter = try EventFilter(reading: section)
        switch spec {
        case .stdout: break
        case .file(let path): destination = .file(try FileSinkSettings(name: self.name, path: path, reading: section))
        case .webhook(let url):
            destination = .webhook(try WebhookSettings(name: self.name, url: url, reading: section, lane: keys))
        }
    }
}
