import FileSink
import Libpq
import RelayCore

extension FuzzTarget {
    /// The path of a file sink: a name that it makes is known as its own, at any time.
    static let path = FuzzTarget("path", longest: 512) { input throws(BrokenPromise) in
        let template: PathTemplate
        do throws(SinkError) {
            template = try PathTemplate(String(decoding: input, as: UTF8.self))
        } catch {
            return false
        }
        for seconds: Int64 in [0, 951_782_400, 1_795_212_990, 253_402_300_799, -1] {
            let name = template.name(at: seconds)
            try promise(!name.isEmpty && !name.utf8.contains(0) && !name.contains("/"), "\(name) is no file's name")
            try promise(name.utf8.count <= 255, "\(name) is longer than a file's name may be")
            try promise(template.suffix(of: name) == "", "\(name) is not known as made by \(template.name)")
            try promise(template.suffix(of: name + ".1") == ".1", "\(name).1 is not known as put aside")
        }
        return true
    }

    /// A text in a statement: undone by the rules of SQL (PostgreSQL documentation, 4.1) it is what was given, and
    /// nothing of it is outside its quotes.
    static let statement = FuzzTarget("statement", longest: 1024) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        for (quoted, quote) in [(quotedLiteral(text), UInt8(ascii: "'")), (quotedIdentifier(text), UInt8(ascii: "\""))]
        {
            try promise(unquoted(Array(quoted.utf8), quote) == Array(text.utf8), "\(quoted) is another text")
        }
        return true
    }

    /// What a server reads of a quoted text; nil where the quotes end before the text does.
    private static func unquoted(_ quoted: [UInt8], _ quote: UInt8) -> [UInt8]? {
        guard quoted.count >= 2, quoted.first == quote, quoted.last == quote else { return nil }
        var bytes: [UInt8] = []
        var rest = quoted.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            if byte == quote, rest.popFirst() != quote { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
