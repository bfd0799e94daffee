import LedgerCore
import Testing

@Suite struct JSONReaderTests {
    private func read(_ text: String) throws -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test(arguments: [
        "null", "true", "false", "0", "-0", "12.50e-3", "\"\"", "[]", "{}", #"{"a":[1,{"b":"c"}],"d":null}"#,
        #""\\\"/""#, "\"ü😀\"",
    ])
    func whatIsReadIsWrittenAgain(_ text: String) throws {
        #expect(try read(text).description == text)
    }

    @Test func numbersKeepTheirDigits() throws {
        #expect(try read("123456789012345678901234567890.10") == .number("123456789012345678901234567890.10"))
        #expect(try read("1e63") == .number("1e63"))
    }

    @Test func escapesAreCharacters() throws {
        #expect(try read(#""\u00e9\n\ud83d\ude00\/""#) == .string("é\n😀/"))
    }

    @Test(arguments: [
        ("", "ends"), ("{", "name"), ("[1,]", "no value"), ("[1 2]", "comma"), ("{\"a\" 1}", "colon"),
        ("1 2", "more behind"),
        ("01", "more behind"), ("-", "digit"), ("1.", "digit"), ("1e", "digit"), ("tru", "written"), ("'a'", "begins"),
        ("\"a", "no end"), ("\"\u{1}\"", "control"), (#""\x""#, "escape"), (#""\u12g4""#, "four"),
        (#"{"a":1,"a":2}"#, "twice"), (#"{"a":1,"\u0061":2}"#, "twice"), (#""\u0000""#, "U+0000"),
        (#""\ud800""#, "surrogate"), (#""\ud800\u0041""#, "surrogate"), (#""\udc00""#, "surrogate"),
        (String(repeating: "[", count: 40), "levels"), ("1e64", "digits"), ("1E-99999999999999999999", "digits"),
        (String(repeating: "1", count: 65), "digits"), ("1e9223372036854775807", "digits"), ("[1]\u{0}", "more behind"),
    ])
    func whatIsNoJSONIsRefused(_ text: String, _ reason: String) {
        #expect { try read(text) } throws: { "\($0)".contains(reason) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect { try JSONReader.read([0x22, 0xFF, 0x22]) } throws: { "\($0)".contains("not UTF-8") }
        #expect { try JSONReader.read([0xEF, 0xBB, 0xBF, 0x31]) } throws: { "\($0)".contains("begins") }
    }

    @Test func twoNamesThatOnlyLookTheSameAreTwo() throws {
        let object = try read("{\"\u{e9}\":1,\"e\u{301}\":2}")
        guard case .object(let members) = object else {
            Issue.record("it is \(object.kind)")
            return
        }
        #expect(members.count == 2)
    }
}
