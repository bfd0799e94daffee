import Libpq
import Testing

@Suite struct ConnectionTargetTests {
    @Test func readsConninfoAndURI() throws {
        let conninfo = try ConnectionTarget(parsing: "host=a,b port=1,2 user='o\\'k' application_name=x")
        #expect(conninfo["host"] == "a,b")
        #expect(conninfo["application_name"] == "x")
        #expect(conninfo["dbname"] == nil)
        let uri = try ConnectionTarget(parsing: "postgres://me:s%40cret@h:5433/db?sslmode=disable")
        #expect(uri["host"] == "h")
        #expect(uri["password"] == "s@cret")
        #expect(uri["sslmode"] == "disable")
        let at = try ConnectionTarget(parsing: "postgres://h:5433/db?user=me@corporation&sslrootcert=/etc/ca.pem")
        #expect(at["user"] == "me@corporation")
        #expect(try ConnectionTarget(parsing: "")["host"] == nil)
    }

    @Test func setsAndUnsets() throws {
        var target = try ConnectionTarget(parsing: "host=a")
        target["replication"] = "database"
        target["host"] = nil
        #expect(target["replication"] == "database")
        #expect(target["host"] == nil)
    }

    /// Everything but the secrets, in words that libpq reads as the same.
    @Test(arguments: [
        "postgres://me:hunter22@h:5433/db?sslpassword=hunter22", "host=h password=hunter22",
        "user='o\\'k \\\\ x' dbname='' password='hunter22 x'", "options='-c app.token=hunter22' password=x",
        "user=me:hunter22@h password=x", "postgres://me%3Ahunter22@h/db?password=x",
    ])
    func isShownWithoutItsSecrets(_ conninfo: String) throws {
        let target = try ConnectionTarget(parsing: conninfo)
        #expect(!target.masked.contains("hunter22") && target.masked.contains("password=…"))
        var again = try ConnectionTarget(parsing: target.masked)
        #expect(again.masked == target.masked)
        for keyword in ["host", "port", "user", "dbname"] where again[keyword] != "…" {
            #expect(again[keyword] == target[keyword])
        }
        again["password"] = nil
        #expect(!again.masked.contains(" password=") && ConnectionTarget().masked.isEmpty)
    }

    @Test func neverShowsASecret() throws {
        let target = try ConnectionTarget(parsing: "postgres://me:hunter22@h/db?sslpassword=topmost")
        #expect(Set(target.secrets) == ["hunter22", "topmost"])
        var dumped = ""
        dump(target, to: &dumped)
        for text in ["\(target)", String(reflecting: target), dumped, "\([target])"] {
            #expect(!text.contains("hunter22") && !text.contains("topmost"))
            #expect(text.contains("host=h"))
        }
    }

    @Test(arguments: [
        "postgres://me:hunter22@h:port/db",
        "postgres://me:hun/ter22@h/db",
        "postgres://me:hun@ter22@h/db",
        "postgres://me:/hun?host=ter22@h/db",
        "postgres://me:1/hun?dbname=hunter22@h/db",
        "postgres://me:hunter22@[::1/db",
        "postgres://me:hunter22%zz@h/db",
        "postgres://me:hunter22@h/db?nonsense=hunter22",
        "host=h password=some hunter22",
        "host=h password='hunter22",
        "host=h password=some hunter22=x",
        "host=h port=hunter22",
        "host=h connect_timeout=hunter22",
        "hunter22",
        // A connection string in the place of a name.
        "dbname=postgresql://me:hunter22@h/db",
        "dbname='host=h password=hunter22'",
        "dbname=password=hunter22",
        "host=postgres://me:hunter22@h/db",
        "user=me://hunter22 host=h",
        "postgres:///postgres%3A%2F%2Fme%3Ahunter22%40h%2Fdb",
        "postgres:///password%3Dhunter22",
        // A combining mark behind what counts, which makes another character of it.
        "postgres://\u{301}me:hun@ter22@h/db",
        "postgres://me:hun@\u{301}ter22@h/db",
        "postgres://me:hun/\u{301}ter22@h/db",
        "hunter=x p=y@\u{301}z hunter22=w",
        "host=h p\u{301}ass=x hunter22=y",
    ])
    func refusesWithoutQuotingWhatItWasGiven(conninfo: String) {
        let error = #expect(throws: PostgresError.self) { try ConnectionTarget(parsing: conninfo) }
        #expect(error?.kind == .badTarget)
        #expect(error.map { "\($0)" }?.contains("hunter22") == false)
        #expect(error.map { "\($0)" }?.contains("ter22") == false)
        #expect(error?.canRetry == false)
    }

    @Test func namesAnUnknownOptionOnlyWhereItIsSurelyOne() {
        let plain = #expect(throws: PostgresError.self) { try ConnectionTarget(parsing: "host=h tiemout=3") }
        #expect(plain?.message.contains("\"tiemout\"") == true)
        let hidden = #expect(throws: PostgresError.self) { try ConnectionTarget(parsing: "password=a tiemout=3") }
        #expect(hidden?.message.contains("tiemout") == false)
    }

    @Test func unknownValuesAreRefusedWithTheirOption() async throws {
        var target = try ConnectionTarget(parsing: "host=127.0.0.1 port=1")
        target["sslmode"] = "hunter22"
        let error = await failure { _ = try await Connection.open(target) }
        #expect(error?.kind == .badTarget)
        #expect(error?.message.contains("sslmode") == true)
        #expect(error?.message.contains("hunter22") == false)
    }

    private func failure(of body: () async throws -> Void) async -> PostgresError? {
        await LibpqTests.failure(of: body)
    }
}
