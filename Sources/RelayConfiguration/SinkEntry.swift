private import FileSink
private import RelayCore
private import WebhookSink

extension SinkOption {
    /// Reads an entry of `sinks:`, whole: every key is known, fits the kind of sink and holds what it must. Nil where it
    /// does not say what the sink is; what is wrong is noted in any case.
    init?(reading entry: SectionReader) {
        let name = entry.value(SinkKey.name.rawValue) { (setting) throws(ConfigurationProblem) in
            try Self.check(name: setting.text, at: setting.place)
            return setting.text
        }
        let spec = entry.value(SinkKey.to.rawValue) { (setting) throws(ConfigurationProblem) in
            try SinkSpec(parsing: setting.text, at: setting.place)
        }
        if !entry.has(SinkKey.to.rawValue) {
            entry.note("this sink has no 'to'; write to: stdout, file:PATH, http://… or https://…")
        }
        var named = entry
        let hasBadName = name == nil && entry.has(SinkKey.name.rawValue)
        if !hasBadName, let known = name ?? spec?.kind.rawValue { named.section.path = "sinks.\(known)" }
        let reader = named.fitting(spec?.kind)
        guard let spec else {
            // What every kind of sink has.
            _ = RetryPolicy(reading: reader)
            _ = EventFilter(reading: reader)
            return nil
        }
        self.init(name: name ?? spec.kind.rawValue, spec: spec)
        place = reader.section.place(of: SinkKey.to.rawValue)
        let keys = LaneKeys(reading: reader, kind: spec.kind)
        lane = keys.policy
        filter = EventFilter(reading: reader)
        switch spec {
        case .stdout: break
        case .file(let path): destination = .file(FileSinkSettings(name: self.name, path: path, reading: reader))
        case .webhook(let url):
            destination = .webhook(WebhookSettings(name: self.name, url: url, reading: reader, lane: keys))
        }
    }
}
