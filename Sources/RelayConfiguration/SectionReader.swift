/// Reads a section of the file key by key: what is wrong is noted, and the other keys are read all the same.
struct SectionReader {
    var section: FileSection
    let problems: FoundProblems

    /// Whether a key is there with a value.
    func has(_ key: String) -> Bool { section.has(key) }

    func note(_ sentence: String, of key: String? = nil) {
        problems.note(section.problem(sentence, of: key))
    }

    /// The value under a key; nil where it is unset or wrong.
    func value<Value>(_ key: String, _ parse: Parser<Value>) -> Value? {
        let read = problems.value(line: section.line(of: key)) { () throws(ConfigurationProblem) -> Value? in
            guard let setting = try section.setting(key) else { return nil }
            return try parse(setting)
        }
        return read ?? nil
    }

    /// Sets a value to what is under a key; leaves it where that is unset or wrong.
    func set<Value>(_ value: inout Value, _ key: String, _ parse: Parser<Value>) {
        if let read = self.value(key, parse) { value = read }
    }

    func set<Value>(_ value: inout Value, _ key: SinkKey, _ parse: Parser<Value>) {
        set(&value, key.rawValue, parse)
    }

    /// The values of the list under a key that are right; empty where it is unset.
    func list<Value>(_ key: SinkKey, limit: Int, _ parse: Parser<Value>) -> [Value] {
        let settings = problems.value { () throws(ConfigurationProblem) in
            try section.settings(key.rawValue, limit: limit)
        }
        return (settings ?? []).compactMap { setting in
            problems.value(line: setting.line) { () throws(ConfigurationProblem) in try parse(setting) }
        }
    }

    /// The mapping under a key; nil where it is unset or none.
    func reader(_ key: SinkKey) -> SectionReader? {
        let read = problems.value { () throws(ConfigurationProblem) in try section.section(key.rawValue) }
        return (read ?? nil).map { SectionReader(section: $0, problems: problems) }
    }

    /// Notes keys that are none of these.
    func refuseKeys(otherThan known: [String]) {
        for entry in section.entries where !known.contains(entry.key) {
            problems.note(section.unknownKey(entry, known: known))
        }
    }
}
