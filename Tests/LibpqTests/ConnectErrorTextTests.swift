import Testing

@testable import Libpq

/// What libpq says of a connection that failed, with a secret in it and marks that change what is one character.
@Suite struct ConnectErrorTextTests {
    private static let secret = "hunter22"

    @Test(
        arguments: ["", "\u{301}", "\u{200D}", "\u{FE0F}", "\u{1F3FD}", "e\u{301}"], ["", "\u{301}", "\"", "\"\u{301}"])
    func hidesSecretsWhateverStandsAround(_ before: String, _ behind: String) {
        for secret in [Self.secret, "e\u{301}hunter22", "hunter22\u{301}", "\u{301}hunter22", "h\u{301}u"] {
            let words = "before\(before)\(secret)\(behind) after"
            let error = ConnectErrorText(
                """
                connection to server at "h" (::1), port 5432 failed: FATAL:  28P01: \(words)
                DETAIL:  \(words)
                HINT:  \(words)
                LOCATION:  auth_failed, auth.c:335
                """
            ).error(hiding: [secret, String(secret.dropLast(2))])
            for text in [error.message, error.detail ?? "", error.hint ?? ""] {
                #expect(!text.utf8.contains(secret.utf8) && text.utf8.contains("***".utf8), "\(text)")
                #expect(text.utf8.contains("after".utf8))
            }
            #expect(error.sqlState == "28P01")
        }
    }

    @Test func aMarkBehindTheCodeHidesNothing() {
        let error = ConnectErrorText("failed: FATAL:  28P01: \u{301}no\nDETAIL:\u{301} why\nLOCATION:\u{301} x").error(
            hiding: [])
        #expect(error.sqlState == "28P01")
        #expect(error.detail != nil)
        #expect(!error.message.utf8.contains("LOCATION".utf8))
    }

    @Test func aSentenceBelongsToTheLineBeforeIt() {
        let error = ConnectErrorText(
            """
            connection to server at "a" (::1), port 1 failed: Connection refused
            connection to server at "h" (::1), port 2 failed: root certificate file "/x" does not exist
            Either provide the file or change sslmode to disable server certificate verification.
            """
        ).error(hiding: [])
        #expect(
            error.message
                == "connection to server at \"h\" (::1), port 2 failed: root certificate file \"/x\" does not exist. "
                + "Either provide the file or change sslmode to disable server certificate verification.")
    }

    @Test func aBadOptionIsKnownWithAMarkBehindItsQuote() {
        #expect(ConnectErrorText.namesBadOption("could not open service file \"\u{301}hunter22\""))
        #expect(ConnectErrorText.namesBadOption("at \"h\": invalid port number:\u{301} \"hunter22\""))
    }
}
