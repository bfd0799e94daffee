import Testing

@Suite struct ShownOutputTests {
    @Test(arguments: [
        ("a", "a\n"), ("a  \n", "a"), ("pid …, done", "pid 12, done"), ("…b…", "abc"), ("a…", "a"), ("…", ""), ("", ""),
        ("…", "a\nb"), ("a\n…\nd", "a\nb\nc\nd"), ("a\n…\nd", "a\nd"), ("x…x", "xx"),
    ])
    func holds(_ shown: String, _ printed: String) {
        #expect(ShownOutput(shown).matches(printed))
    }

    @Test(arguments: [
        ("a", "b"), ("a", "a\nb"), ("a\nb", "a"), ("pid …, done", "pid 12"), ("a…", "ba"), ("…a", "ab"), ("x…x", "x"),
        ("a\n…\nd", "a\nb\nc"), ("a…b…c", "acb"), ("", "a"),
    ])
    func differs(_ shown: String, _ printed: String) {
        #expect(!ShownOutput(shown).matches(printed))
    }
}
