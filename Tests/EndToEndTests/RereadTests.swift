import Foundation
import Libpq
import Glibc
import RelayTestKit
import Testing
import WebhookReceiver

/// SIGHUP: the configuration is read again by a relay that delivers.
@Suite(.heavy) struct RereadTests {
    private static let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]

    private func insert(_ count: Int, _ database: TestDatabase) async throws {
        try await database.insert(count)
        try await database.becomesSettled()
    }

    /// Writes another configuration and tells the relay; waits until it has taken it.
    private func reread(
        _ relay: RelayProcess, _ folder: SinkFolder, _ yaml: String, as event: String = "configuration_changed"
    ) async throws -> LogEntry {
        let before = relay.log.entries(of: event).count
        _ = try folder.configuration(yaml)
        relay.signal(SIGHUP)
        try await eventually("\(event): \(relay.log.text)") { relay.log.entries(of: event).count > before }
        return try #require(relay.log.entries(of: event).last)
    }

    /// Waits until so many relays have led in this process.
    private func leads(_ count: Int, _ relay: RelayProcess) async throws {
        try await eventually("\(count) relays have led: \(relay.log.text)") {
            relay.log.entries(of: "leading").count == count
        }
    }

    @Test(arguments: Mode.allCases) func sinksComeAndGo(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let one = "sinks:\n  - {name: a, to: 'file:FOLDER/a.jsonl'}\n"
        let two = one + "  - {name: b, to: 'file:FOLDER/b.jsonl'}\n"
        let relay = try await RelayProcess.leading(database, mode, try folder.configuration(one))
        try await insert(100, database)

        let added = try await reread(relay, folder, two)
        #expect(added.level == "notice" && added.text.contains("\"added\":[\"b\"]"), "\(added)")
        try await eventually("the new sink is registered") {
            try await database.numbers("SELECT 1 FROM outbox_sink WHERE name = 'b'").count == 1
        }
        try await insert(100, database)
        #expect(try folder.ids("a.jsonl") == Array(1...200))
        #expect(try folder.ids("b.jsonl") == Array(101...200))

        let removed = try await reread(relay, folder, "sinks:\n  - {name: b, to: 'file:FOLDER/b.jsonl'}\n")
        #expect(removed.text.contains("\"removed\":[\"a\"]"), "\(removed)")
        try await relay.waitForLog("unconfigured_sink") { $0.fields["sink"] == "a" }
        try await database.insert(100)
        try await eventually("the sink that stayed gets them") { try folder.ids("b.jsonl") == Array(101...300) }
        // Nothing is published past the one that nobody serves, until it is served again.
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 100)
        #expect(try folder.ids("a.jsonl") == Array(1...200))
        _ = try await reread(relay, folder, two)
        try await database.becomesSettled()
        #expect(try folder.ids("a.jsonl") == Array(1...300) && folder.ids("b.jsonl") == Array(101...300))
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aFilterIsTakenUp() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let relay = try await RelayProcess.leading(
            database, .poll, try folder.configuration("sinks: [{to: 'file:FOLDER/a.jsonl'}]"))
        try await insert(10, database)
        let entry = try await reread(relay, folder, "sinks: [{to: 'file:FOLDER/a.jsonl', exclude: ['transfer.*']}]")
        #expect(entry.text.contains("\"changed\":[\"file\"]"), "\(entry)")
        try await leads(2, relay)
        try await insert(10, database)
        #expect(try folder.ids("a.jsonl") == Array(1...10))
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aSecretIsRotatedAndNotShown() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        try folder.write("secret", Self.secrets[0])
        let receiver = try await WebhookReceiver()
        let yaml = "sinks: [{name: hook, to: 'http://127.0.0.1:\(receiver.port)/', secret_files: [FOLDER/secret]}]"
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(yaml))
        try await insert(5, database)
        // Renamed into place, as it is to be done.
        let new = try folder.write("secret.new", Self.secrets[1])
        try #require(rename(new, "\(folder.path)/secret") == 0)
        let entry = try await reread(relay, folder, yaml)
        #expect(entry.text.contains("\"changed\":[\"hook\"]"), "\(entry)")
        try await leads(2, relay)
        try await insert(5, database)
        let requests = receiver.requests
        #expect(requests.compactMap { $0["webhook-id"].flatMap(Int.init) } == Array(1...10))
        for (index, request) in requests.enumerated() {
            let secret = Self.secrets[index < 5 ? 0 : 1]
            #expect(try await signature(of: request, by: secret) == request["webhook-signature"])
        }
        for secret in Self.secrets { #expect(!relay.log.text.contains(secret.dropFirst(6))) }
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    /// By Standard Webhooks, made by the openssl of the machine: no code of the relay's.
    private func signature(of request: ReceivedRequest, by secret: String) async throws -> String {
        let key = try #require(Data(base64Encoded: String(secret.dropFirst(6)))).map { String(format: "%02x", $0) }
            .joined()
        let folder = try SinkFolder()
        let id = try #require(request["webhook-id"])
        let time = try #require(request["webhook-timestamp"])
        let file = try folder.write("signed", "\(id).\(time).\(request.text)")
        let made = try await run([
            "sh", "-c", "openssl dgst -sha256 -mac HMAC -macopt hexkey:\(key) -binary \(file) | openssl base64 -A",
        ])
        return "v1,\(made.output)"
    }

    @Test func theLogLevelAloneRestartsNothing() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let yaml = "sinks: [{to: 'file:FOLDER/a.jsonl'}]\nlog_level: "
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(yaml + "notice"))
        // Nothing of SIGHUP itself is above info.
        let quiet = try await reread(relay, folder, yaml + "error")
        #expect(quiet.fields["log_level"] == "error" && !quiet.text.contains("changed\":["), "\(quiet)")
        let loud = try await reread(relay, folder, yaml + "debug")
        #expect(loud.fields["log_level"] == "debug")
        relay.signal(SIGHUP)
        try await relay.waitForLog("note") { $0.fields["message"]?.hasPrefix("SIGHUP received") == true }
        try await insert(10, database)
        // The relay is the one that began.
        #expect(relay.log.entries(of: "leading").count == 1)
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func whatNeedsARestartIsNamedAndStays() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let sinks = "sinks: [{to: 'file:FOLDER/a.jsonl'}]\n"
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(sinks))
        let entry = try await reread(
            relay, folder, sinks + "batch_size: 7\nlisten: 127.0.0.1:0\nsource: /other\n", as: "needs_restart")
        #expect(entry.level == "warning")
        #expect(entry.text.contains("\"options\":[\"source\",\"batch_size\",\"listen\"]"), "\(entry)")
        try await insert(10, database)
        let line = try String(contentsOfFile: "\(folder.path)/a.jsonl", encoding: .utf8)
        #expect(line.contains("\"source\":\"/outbox\"") && !line.contains("/other"))
        #expect(relay.log.entries(of: "leading").count == 1 && relay.log.entries(of: "listening").isEmpty)
        #expect(relay.log.entries(of: "needs_restart").count == 1)
        #expect(try await relay.stop() == .exited(0))
    }

    @Test(arguments: Mode.allCases) func aBadFileIsRefusedAsAWhole(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let good = "sinks: [{name: a, to: 'file:FOLDER/a.jsonl'}]\n"
        let relay = try await RelayProcess.leading(database, mode, try folder.configuration(good))
        try await insert(10, database)
        let bad = """
            log_level: loud
            sinks:
              - {name: b, to: 'file:FOLDER/b.jsonl'}
              - {name: c, to: 'http://h/', secret_files: [FOLDER/none]}
              - {name: d, to: 'http://h/', secret: hunter2}
            """
        _ = try await reread(relay, folder, bad, as: "configuration_refused")
        try await eventually("all is told") { relay.log.entries(of: "configuration_refused").count == 3 }
        let refused = relay.log.entries(of: "configuration_refused")
        #expect(refused.allSatisfy { $0.level == "error" && !$0.text.contains("hunter2") })
        for part in ["relay.yaml:1: log_level: ", "relay.yaml:5: sinks.d.secret: ", "none cannot be read"] {
            #expect(refused.count { $0.fields["reason"]?.contains(part) == true } == 1, "\(part): \(refused)")
        }
        // One that is gone, too.
        try #require(unlink("\(folder.path)/relay.yaml") == 0)
        relay.signal(SIGHUP)
        try await relay.waitForLog("configuration_refused") {
            $0.fields["reason"]?.contains("the configuration file") == true
        }
        try await insert(10, database)
        #expect(try folder.ids("a.jsonl") == Array(1...20))
        #expect(try folder.files("b").isEmpty && relay.log.entries(of: "leading").count == 1)
        // A right one is taken again.
        _ = try await reread(relay, folder, good + "log_level: debug\n")
        #expect(try await relay.stop() == .exited(0))
    }

    /// What the relay before has delivered and not settled is looked for by the one that follows: an id that another event
    /// has by then is no event that a consumer may drop.
    @Test(arguments: Mode.allCases) func aDeliveredRowIsAnotherMeanwhile(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let yaml = "sinks: [{name: a, to: 'file:FOLDER/a.jsonl'}]"
        let relay = try await RelayProcess.leading(database, mode, try folder.configuration(yaml))
        try await insert(10, database)
        try await database.whileNothingSettles { holder in
            let last = try await database.insert(5)
            try await eventually("they are delivered") { try folder.ids("a.jsonl").last == last }
            try await holder.execute(
                SQLText(
                    trusting: """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name LIKE 'outbox-relay %';
                        UPDATE outbox SET created_at = created_at + interval '1 s' WHERE id = \(last)
                        """))
            try await relay.waitForLog("deposed")
            _ = try await reread(relay, folder, yaml.replacing("]", with: ", {name: b, to: 'file:FOLDER/b.jsonl'}]"))
        }
        #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
        #expect(!relay.log.entries(of: "went_back").isEmpty, "\(relay.log.text)")
    }

    /// Neither a file that is none nor what reads it holds up a signal.
    @Test func aPipeInsteadOfACertificateIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let yaml = "sinks: [{name: a, to: 'file:FOLDER/a.jsonl'}"
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(yaml + "]"))
        try #require(mkfifo("\(folder.path)/ca.pem", 0o600) == 0)
        let worse = yaml + ", {name: hook, to: 'https://127.0.0.1:9/', tls: {ca: FOLDER/ca.pem}}]"
        let refused = try await reread(relay, folder, worse, as: "configuration_refused")
        #expect(refused.text.contains("ca.pem"), "\(refused)")
        try await insert(10, database)
        #expect(try folder.ids("a.jsonl") == Array(1...10))
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func nothingChangedRestartsNothing() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let yaml = "sinks:\n  - {name: a, to: 'file:FOLDER/a.jsonl'}\nlog_level: debug\n"
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(yaml))
        try await insert(10, database)
        for round in 1...3 {
            // Another line, and a file moved away, which tells that this signal was served.
            _ = try folder.configuration(String(repeating: "# \(round)\n", count: round) + yaml)
            try FileManager.default.moveItem(
                atPath: "\(folder.path)/a.jsonl", toPath: "\(folder.path)/old-\(round).jsonl")
            relay.signal(SIGHUP)
            try await eventually("the file is there again") { try !folder.files("a.jsonl").isEmpty }
            try await insert(10, database)
        }
        // Served after all of them.
        _ = try await reread(relay, folder, yaml.replacing("debug", with: "info"))
        #expect(
            relay.log.entries(of: "leading").count == 1 && relay.log.entries(of: "configuration_changed").count == 1)
        #expect(try await relay.stop() == .exited(0))
    }

    /// Sinks come, go and change while events do: each gets what it is there for, in order, once.
    @Test(arguments: Mode.allCases) func underLoad(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        func yaml(_ round: Int) -> String {
            """
            sinks:
              - {name: stay, to: 'file:FOLDER/stay.jsonl', rotate: {size: \(round + 1)GiB}}
              - {name: hook, to: 'http://127.0.0.1:\(receiver.port)/', timeout: \(round + 10)s}
            """ + (round % 2 == 1 ? "\n  - {name: guest, to: 'file:FOLDER/guest.jsonl'}" : "")
        }
        let relay = try await RelayProcess.leading(database, mode, try folder.configuration(yaml(0)))
        let load = Task {
            while !Task.isCancelled { try await database.insert(3) }
        }
        for round in 1...5 {
            _ = try await reread(relay, folder, yaml(round))
            try await leads(round + 1, relay)
            let reached = try folder.ids("stay.jsonl").count
            try await eventually("and delivers") { try folder.ids("stay.jsonl").count > reached + 50 }
        }
        load.cancel()
        _ = await load.result
        try await database.becomesSettled(within: .seconds(120))
        let all = try await database.ids()
        #expect(try folder.ids("stay.jsonl") == all)
        #expect(receiver.requests.compactMap { $0["webhook-id"].flatMap(Int64.init) } == all)
        let guest = try folder.ids("guest.jsonl")
        let first = try #require(guest.first)
        // Registered when it came, it has all from there on: what it missed while it was gone was kept for it.
        #expect(guest == all.filter { $0 >= first })
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    /// The receiver holds its answer, so that the relay that is to go cannot; the signal ends the process all the same.
    @Test func aSignalInTheMiddleEndsTheProcess() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        receiver.hold()
        let hook = "sinks:\n  - {name: hook, to: 'http://127.0.0.1:\(receiver.port)/'}\n"
        let relay = try await RelayProcess.leading(
            database, .poll, try folder.configuration(hook) + ["--shutdown-timeout", "1h"])
        try await database.insert(3)
        try await eventually("a request is under way") { receiver.isHolding }
        _ = try await reread(relay, folder, hook + "  - {name: b, to: 'file:FOLDER/b.jsonl'}\n")
        relay.signal(SIGTERM)
        try await relay.waitForLog("stopping")
        receiver.release()
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        // No other relay began.
        #expect(relay.log.entries(of: "leading").count == 1 && relay.log.entries(of: "stopping").count == 1)
        #expect(try await database.number("SELECT count(*) FROM outbox_sink WHERE name = 'b'") == 0)
        await receiver.stop()
    }

    @Test func untilDrainedGoesOn() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        receiver.answer { _ in ReceiverAnswer(503) }
        let yaml = "sinks:\n  - {name: hook, to: 'http://127.0.0.1:\(receiver.port)/', retry: {base: 1ms, max: 5ms}}\n"
        try await database.insert(5)
        let relay = try RelayProcess.run(database, try folder.configuration(yaml) + ["--until-drained"])
        try await relay.waitForLog("outage")
        _ = try await reread(relay, folder, yaml + "  - {name: b, to: 'file:FOLDER/b.jsonl'}\n")
        try await eventually("the new sink has them") { try folder.ids("b.jsonl") == Array(1...5) }
        #expect(relay.isRunning)
        receiver.answer { _ in ReceiverAnswer() }
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        #expect(relay.log.entries(of: "drained").count == 1)
        await receiver.stop()
    }

    /// Metrics and health go on, of the sinks that are there now.
    @Test func theListenerGoesOn() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let a = "sinks:\n  - {name: a, to: 'file:FOLDER/a.jsonl'}\n"
        let relay = try await RelayProcess.leading(
            database, .poll, try folder.configuration(a) + ["--listen", "127.0.0.1:0"])
        let address = try #require(try await relay.waitForLog("listening").fields["address"])
        try await insert(10, database)
        _ = try await reread(relay, folder, "sinks:\n  - {name: b, to: 'file:FOLDER/b.jsonl'}\n")
        try await relay.waitForLog("unconfigured_sink") { $0.fields["sink"] == "a" }
        try await database.insert(10)
        try await eventually("b is shown, and a as one that nobody serves") {
            let metrics = try await get("/metrics", at: address).split(separator: "\n")
            func has(_ name: String, _ sink: String) -> Bool {
                metrics.contains { $0.hasPrefix("outbox_relay_\(name){") && $0.contains("sink=\"\(sink)\"") }
            }
            return has("last_progress_timestamp_seconds", "b") && !has("last_progress_timestamp_seconds", "a")
                && has("unconfigured_sink_rows", "a")
        }
        #expect(try await get("/healthz", at: address).hasSuffix("ok"))
        #expect(relay.log.entries(of: "listening").count == 1)
        #expect(try await relay.stop() == .exited(0))
    }

    private func get(_ path: String, at address: String) async throws -> String {
        let connection = try RawConnection(to: address)
        try connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return try await connection.readToEnd()
    }

    /// It is no start: what the database has become meanwhile is waited out, and does not end the process.
    @Test func whatTheDatabaseHasBecomeIsWaitedOut() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let a = "sinks:\n  - {name: a, to: 'file:FOLDER/a.jsonl'}\n"
        let relay = try await RelayProcess.leading(database, .poll, try folder.configuration(a))
        try await insert(10, database)
        try await database.execute("INSERT INTO outbox_migration (version, name) VALUES (1000, 'of the future')")
        func refusals() -> Int { relay.log.entries(of: "waiting").count { $0.text.contains("has migration 1000") } }
        try await eventually("it waits: \(relay.log.text)") { refusals() > 0 }
        let before = refusals()
        _ = try await reread(relay, folder, a + "  - {name: b, to: 'file:FOLDER/b.jsonl'}\n")
        try await eventually("the next one waits as well: \(relay.log.text)") { refusals() > before }
        try await database.execute("DELETE FROM outbox_migration WHERE version = 1000")
        try await eventually("the new sink is served") {
            try await database.number("SELECT count(*) FROM outbox_sink WHERE name = 'b'") == 1
        }
        try await insert(10, database)
        #expect(try folder.ids("a.jsonl") == Array(1...20))
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func relaysWithoutOrder() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let relay = try RelayProcess.run(
            database, try folder.configuration("order: none\nsinks: [{name: a, to: 'file:FOLDER/a.jsonl'}]"))
        try await relay.waitForLog("competing")
        try await insert(10, database)
        _ = try await reread(relay, folder, "order: none\nsinks: [{name: b, to: 'file:FOLDER/b.jsonl'}]")
        try await eventually("another shares the load") { relay.log.entries(of: "competing").count == 2 }
        try await insert(10, database)
        #expect(try folder.ids("a.jsonl").sorted() == Array(1...10) && folder.ids("b.jsonl").sorted() == Array(11...20))
        // The order stays, and with it that there is one sink.
        let two = "order: id\nsinks: [{name: b, to: 'file:FOLDER/b.jsonl'}, {to: stdout}]"
        let refused = try await reread(relay, folder, two, as: "configuration_refused")
        #expect(refused.fields["reason"]?.contains("one sink only") == true)
        #expect(relay.log.entries(of: "needs_restart").last?.text.contains("[\"order\"]") == true)
        try await insert(10, database)
        #expect(try folder.ids("b.jsonl").sorted() == Array(11...30))
        #expect(try await relay.stop() == .exited(0))
    }

    /// Of a relay that another follows nothing is left, however long it might have taken to stop: no thread, no file.
    @Test(arguments: ["id", "none"]) func aRelayThatHasEndedLeavesNothing(_ order: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        func yaml(_ round: Int) -> String {
            "order: \(order)\nshutdown_timeout: 1h\nsinks: [{to: 'file:FOLDER/a.jsonl', exclude: [no-\(round)]}]"
        }
        let relay = try RelayProcess.run(database, try folder.configuration(yaml(0)))
        let begins = order == "id" ? "leading" : "competing"
        func held() throws -> Int {
            try ["fd", "task"].reduce(0) { sum, kind in
                try sum + FileManager.default.contentsOfDirectory(atPath: "/proc/\(relay.pid)/\(kind)").count
            }
        }
        try await relay.waitForLog(begins)
        try await insert(10, database)
        var before = 0
        for round in 1...24 {
            _ = try await reread(relay, folder, yaml(round))
            try await eventually("the next relay has begun") { relay.log.entries(of: begins).count == round + 1 }
            try await insert(1, database)
            // The pool has the threads that it will ever need.
            if round == 4 { before = try held() }
        }
        try await eventually("nothing is left of twenty relays") { try held() < before + 10 }
        #expect(try await relay.stop() == .exited(0))
    }
}
