import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// What clients send by mistake or on purpose: it is refused by name, nothing is posted, and the API goes on.
@Suite struct HostileClientTests {
    private struct Served {
        let database: TestDatabase
        let server: ServedLedger

        init(_ options: [String] = []) async throws {
            let books = try await Books()
            database = books.database
            server = try await ServedLedger.start(database: database, options)
        }

        func post(_ body: String, key: String? = nil, to path: String = "/transfers") async throws -> (Int, String) {
            let headers = [("Idempotency-Key", key ?? UUID().uuidString), ("Content-Type", "application/json")]
            let answer = try await server.request("POST", path, headers: headers, body: body)
            return (answer.status, (try? JSONDecoder().decode(Code.self, from: Data(answer.body)))?.code ?? answer.text)
        }

        /// Nothing was posted, and it still answers.
        func end() async throws {
            #expect(try await database.number("SELECT count(*) FROM transfers") == 0)
            #expect(try await database.number("SELECT count(*) FROM ledger_requests WHERE status IS NULL") == 0)
            #expect(try await server.request("GET", "/healthz").status == 200)
            try await server.stop()
        }
    }

    private struct Code: Decodable {
        let code: String
    }

    private static func leg(_ account: String, _ amount: String, asset: String = "USD") -> String {
        #"{"account_id":"\#(account)","asset":"\#(asset)","amount":\#(amount)}"#
    }

    private static func transfer(_ amounts: [(String, String)], more: String = "") -> String {
        #"{"legs":[\#(amounts.map { leg($0, $1) }.joined(separator: ","))]\#(more)}"#
    }

    @Test func whatIsWrongIsSaid() async throws {
        let served = try await Served()
        let (high, low) = (Books.high, Books.low)
        let nobody = "12345678-0000-4000-8000-000000000000"
        let cases: [(String, Int, String)] = [
            ("", 400, "invalid_request"), ("{", 400, "malformed_json"), ("\u{0}", 400, "malformed_json"),
            (#"{"legs":[],"legs":[]}"#, 400, "malformed_json"),
            (#"{"legs":[],"description":"\u0000"}"#, 400, "malformed_json"),
            (#"{"legs":[],"description":"\ud800"}"#, 400, "malformed_json"),
            (Self.transfer([(high, "1e2"), (low, "-100")]), 400, "invalid_request"),
            (Self.transfer([(high, "100.0"), (low, "-100")]), 400, "invalid_request"),
            (Self.transfer([(high, "1"), (low, "-2")]), 422, "unbalanced"),
            (Self.transfer([(high, "1"), (nobody, "-1")]), 422, "unknown_account"),
            (Self.transfer([(high, "1"), (Books.euro, "-1")]), 422, "asset_mismatch"),
            (Self.transfer([(high, "9223372036854775808"), (low, "-1")]), 400, "invalid_request"),
            (
                Self.transfer([
                    (high, "9223372036854775807"), (high, "9223372036854775807"), (low, "-9223372036854775807"),
                    (low, "-9223372036854775807"),
                ]), 422, "out_of_range"
            ),
            (Self.transfer([(high, "1"), (low, "-1")], more: #","metadata":{"n":1e200000}"#), 400, "malformed_json"),
            (Self.transfer([(high, "1"), (low, "-1")], more: #","metadata":{"n":1E-64}"#), 400, "malformed_json"),
            (
                Self.transfer([(high, "1"), (low, "-1")], more: #","effective_at":"2026-02-30T00:00:00Z""#), 422,
                "invalid_transfer"
            ),
        ]
        for (body, status, code) in cases {
            let (gotStatus, gotCode) = try await served.post(body)
            #expect(
                gotStatus == status && gotCode == code, "\(body.prefix(200)) is answered with \(gotStatus) \(gotCode)")
        }
        try await served.end()
    }

    /// An account may be in several legs of a transfer; a thousand legs are one.
    @Test func aThousandLegsAreOneTransfer() async throws {
        let served = try await Served()
        let legs = (0..<500).flatMap { _ in [(Books.high, "2"), (Books.low, "-2")] }
        let (status, text) = try await served.post(Self.transfer(legs))
        #expect(status == 201, "\(text)")
        let balance = try await served.server.request("GET", "/accounts/\(Books.high)/balance")
        #expect(balance.text.contains(#""balance":1000,"version":500"#), "\(balance.text)")
        try await served.server.stop()
    }

    /// What is refused for good is answered alike for ever; another body under its key is another request.
    @Test func aRefusalIsKept() async throws {
        let served = try await Served()
        let body = Self.transfer([(Books.high, "1"), (Books.low, "-2")])
        #expect(try await served.post(body, key: "one") == (422, "unbalanced"))
        #expect(try await served.post(body, key: "one") == (422, "unbalanced"))
        #expect(try await served.post(body + " ", key: "one") == (409, "key_reused"))
        // What cannot be understood leaves its key free.
        #expect(try await served.post("{", key: "two") == (400, "malformed_json"))
        #expect(try await served.post(body, key: "two") == (422, "unbalanced"))
        try await served.end()
    }

    @Test func keysOfEveryKind() async throws {
        let served = try await Served()
        let body = Self.transfer([(Books.high, "1"), (Books.low, "-2")])
        for key in ["!", String(repeating: "~", count: 255), "'; DROP TABLE transfers; --".replacing(" ", with: "+")] {
            #expect(try await served.post(body, key: key) == (422, "unbalanced"))
        }
        for key in ["", String(repeating: "k", count: 256), "a b", "ü"] {
            #expect(try await served.post(body, key: key) == (400, "invalid_idempotency_key"))
        }
        let answer = try await served.server.request("POST", "/transfers", body: body)
        #expect(answer.status == 400 && answer.text.contains("missing_idempotency_key"))
        try await served.end()
    }

    @Test func aBodyOfHundredMegabytesIsNotRead() async throws {
        let served = try await Served(["--request-timeout", "3s"])
        let length = 100 << 20
        let connection = try RawConnection(to: served.server.url)
        try connection.send(
            """
            POST /transfers HTTP/1.1\r\nHost: a\r\nIdempotency-Key: big\r\nContent-Type: application/json\r
            Content-Length: \(length)\r\n\r\n
            """)
        let answer = try await connection.readUntil("body_too_large")
        #expect(answer.hasPrefix("HTTP/1.1 413"))
        // What it goes on to send is dropped, and for a while only.
        try await connection.sendUntilClosed(String(repeating: "x", count: 1 << 16), pause: .milliseconds(20))
        try await served.end()
    }

    /// A client that sends a byte now and then is cut when its request's time is over, and holds nobody up.
    @Test func aSlowClientIsCut() async throws {
        let served = try await Served(["--request-timeout", "3s"])
        let connection = try RawConnection(to: served.server.url)
        try connection.send(
            "POST /transfers HTTP/1.1\r\nHost: a\r\nIdempotency-Key: slow\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1000\r\n\r\n")
        try await connection.sendUntilClosed(" ", pause: .milliseconds(100))
        try await served.end()
    }

    @Test func headsThatAreTooLargeAreRefused() async throws {
        let served = try await Served()
        for head in [
            "GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n",
            "GET / HTTP/1.1\r\n" + (0..<200).map { "X\($0): 1\r\n" }.joined() + "\r\n",
            "no HTTP\r\n\r\n",
        ] {
            let connection = try RawConnection(to: served.server.url)
            try connection.send(head)
            #expect(try await connection.readUntil("\r\n").hasPrefix("HTTP/1.1 400"))
        }
        try await served.end()
    }

    /// When all sessions are taken for longer than a request may take, it is told so, and nothing was done.
    @Test func aPoolThatIsFullSaysSo() async throws {
        let served = try await Served(["--connections", "1", "--request-timeout", "3s"])
        #expect(try await served.server.request("GET", "/healthz").status == 200)
        try await served.database.withConnection { connection in
            try await connection.execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
            let body = Self.transfer([(Books.high, "1"), (Books.low, "-1")])
            async let one = served.post(body)
            async let other = served.post(body)
            let answers = try await [one, other]
            // The one that waits for a session is told that there is none; the other's statement is cut, or its session where
            // the server does not come to that in time.
            #expect(answers.contains { $0 == (503, "busy") })
            #expect(
                answers.allSatisfy { $0.0 == 503 && ["busy", "database_unavailable"].contains($0.1) }, "\(answers)")
            try await connection.rollBack()
        }
        try await served.end()
    }

    @Test func whoStopsItGetsHisAnswer() async throws {
        let served = try await Served()
        let body = Self.transfer([(Books.high, "1"), (Books.low, "-1")])
        try await served.database.withConnection { connection in
            try await connection.execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
            async let answer = served.post(body)
            try await eventually("the request waits") {
                // In this database: other tests share the cluster.
                try await served.database.number(
                    """
                    SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
                    WHERE NOT l.granted AND d.datname = current_database()
                    """) > 0
            }
            served.server.process.signal(SIGTERM)
            try await eventually("nobody is let in any more") {
                (try? RawConnection(to: served.server.url)) == nil
            }
            try await connection.rollBack()
            #expect(try await answer.0 == 201)
        }
        #expect(try await served.server.process.exitStatus() == .exited(0))
    }

    /// A key is known for as long as was said; then it is anybody's.
    @Test func keysExpire() async throws {
        let served = try await Served([
            "--request-timeout", "500ms", "--abandoned-after", "500ms", "--keep-keys", "2500ms",
        ])
        let body = Self.transfer([(Books.high, "1"), (Books.low, "-1")])
        #expect(try await served.post(body, key: "one").0 == 201)
        #expect(try await served.post(body, key: "one").0 == 200)
        try await eventually("the key is deleted") {
            try await served.database.number("SELECT count(*) FROM ledger_requests") == 0
        }
        #expect(try await served.post(body, key: "one").0 == 201)
        #expect(try await served.database.number("SELECT count(*) FROM transfers") == 2)
        try await served.server.stop()
        let short = try await run(["ledger", "serve", "--keep-keys", "10s", "--database", served.database.conninfo])
        #expect(short.status == .exited(64) && short.errors.contains("--keep-keys is at least"), "\(short.errors)")
    }

    /// A page is bounded in bytes, and the next one goes on.
    @Test func pagesEndWhereTheyAreLarge() async throws {
        let served = try await Served()
        let large = String(repeating: "x", count: 1_000_000)
        for number in 0..<6 {
            let more = #","metadata":{"large":"\#(large)"},"correlation_id":"\#(number)""#
            #expect(try await served.post(Self.transfer([(Books.high, "1"), (Books.low, "-1")], more: more)).0 == 201)
        }
        struct Page: Decodable {
            struct Transfer: Decodable { let correlation_id: String }
            let transfers: [Transfer]
            let next: Int?
        }
        var seen: [String] = []
        var behind = ""
        while true {
            let answer = try await served.server.request("GET", "/transfers?account_id=\(Books.low)\(behind)")
            #expect(answer.body.count < 4_500_000)
            let page = try JSONDecoder().decode(Page.self, from: Data(answer.body))
            seen += page.transfers.map(\.correlation_id)
            guard let next = page.next else { break }
            behind = "&behind=\(next)"
        }
        #expect(seen == ["5", "4", "3", "2", "1", "0"])
        try await served.server.stop()
    }

    /// A client may ask before it sends, and may ask for a head alone.
    @Test func whoAsksFirstIsToldToGoOn() async throws {
        let served = try await Served()
        let connection = try RawConnection(to: served.server.url)
        try connection.send(
            "POST /transfers HTTP/1.1\r\nHost: a\r\nIdempotency-Key: asked\r\nExpect: 100-continue\r\n"
                + "Content-Length: 2\r\n\r\n")
        #expect(try await connection.readUntil("\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
        try connection.send("{}")
        #expect(try await connection.readUntil("invalid_request").contains("HTTP/1.1 400 "))
        try connection.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        let answers = try await connection.readUntil(#"{"status":"ok"}"#)
        #expect(answers.components(separatedBy: "Content-Length: 15\r\n").count == 3, "\(answers)")
        try await served.end()
    }

    /// Where the server has no more sessions to give, those that are there are shared.
    @Test func sessionsThatAreThereAreShared() async throws {
        let books = try await Books()
        let role = "few_\(books.database.name)"
        try await books.database.execute(
            """
            CREATE ROLE "\(role)" LOGIN CONNECTION LIMIT 2; GRANT ALL ON ALL TABLES IN SCHEMA public TO "\(role)";
            GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "\(role)"
            """)
        let server = try await ServedLedger.start(conninfo: books.database.conninfo(user: role))
        let body = Self.transfer([(Books.high, "1"), (Books.low, "-1")])
        try await withThrowingTaskGroup(of: Int.self) { group in
            for key in 0..<16 {
                let headers = [("Idempotency-Key", "\(key)"), ("Content-Type", "application/json")]
                group.addTask {
                    try await server.request("POST", "/transfers", headers: headers, body: body).status
                }
            }
            for try await status in group { #expect(status == 201) }
        }
        try await server.stop()
        try await books.database.execute("DROP OWNED BY \"\(role)\"; DROP ROLE \"\(role)\"")
    }
}
