import Testing
import TraceContext

/// W3C Trace Context, section 3.3.
@Suite("tracestate")
struct TraceStateTests {
    @Test(arguments: [
        ("congo=t61rcWkgMzE", "congo=t61rcWkgMzE"), ("rojo=00f0,congo=t6", "rojo=00f0,congo=t6"),
        (" rojo=1 ,\tcongo=2\t", "rojo=1,congo=2"), (",a=1,,b=2,", "a=1,b=2"), ("fw529@dt=FfAA", "fw529@dt=FfAA"),
        ("a_-*/z=1", "a_-*/z=1"), ("0a=1", "0a=1"), ("a=b c", "a=b c"), (#"a="x\y""#, #"a="x\y""#),
        ("a=1,a=2", "a=1,a=2"),
    ])
    func membersArePassedOn(text: String, passed: String) { #expect(TraceState(text)?.text == passed) }

    @Test(arguments: [
        "", ",", " , ", "a", "=1", "a=", "A=1", "a=1=2", "a=é", "a=\u{1}", "a=1\r\nx: y", "a@b@c=1", "@a=1", "a@=1",
        "a b=1", "a=1,b", String(repeating: "k", count: 257) + "=1", "a=" + String(repeating: "v", count: 257),
        (0...32).map { "m\($0)=1" }.joined(separator: ","), "a=1," + String(repeating: " ", count: 9000) + "b=2",
    ])
    func whatIsNotValidIsNone(_ text: String) { #expect(TraceState(text) == nil) }

    @Test func asManyMembersAsAreAllowed() {
        let text = (1...32).map { "m\($0)=1" }.joined(separator: ",")
        #expect(TraceState(text)?.text == text)
    }

    @Test func ofTooManyBytesLongMembersGoFirst() {
        let short = (10..<40).map { "m\($0)=" + String(repeating: "v", count: 11) }
        let long = "long=" + String(repeating: "v", count: 200)
        var members = short
        members.insert(long, at: 2)
        #expect(TraceState(members.joined(separator: ","))?.text == short.joined(separator: ","))
    }

    @Test func thenThoseAtTheEndGo() {
        let members = (10..<40).map { "m\($0)=" + String(repeating: "v", count: 16) }
        let passed = TraceState(members.joined(separator: ","))?.text ?? ""
        #expect(passed.utf8.count <= 512 && passed.utf8.count + members[0].utf8.count + 1 > 512)
        #expect(members.joined(separator: ",").hasPrefix(passed))
    }
}
