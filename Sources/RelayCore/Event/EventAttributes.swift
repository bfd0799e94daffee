extension EventBatch {
    /// Gives out the CloudEvents attributes of an event, in the order of its JSON: every member but `data`.
    ///
    /// - Parameters:
    ///   - index: The event.
    ///   - body: Takes an attribute's name, which is lower-case letters and digits, and its value as UTF-8, no longer
    ///     escaped.
    package func forEachAttribute(_ index: Int, _ body: (_ name: String, _ value: [UInt8]) -> Void) {
        withLines(index..<index + 1) { line in
            var scanner = JSONScanner(line)
            guard scanner.skip(UInt8(ascii: "{")) else { return }
            var value: [UInt8] = []
            repeat {
                guard let name = scanner.string(), scanner.skip(UInt8(ascii: ":")) else { return }
                // The payload is the last member, and the only one that may be no string.
                let text = String(decoding: line[name], as: UTF8.self)
                guard text != "data", let inside = scanner.string() else { return }
                value.removeAll(keepingCapacity: true)
                guard value.append(unescaping: UnsafeRawBufferPointer(rebasing: line[inside])) else { return }
                body(text, value)
            } while scanner.skip(UInt8(ascii: ","))
        }
    }
}
