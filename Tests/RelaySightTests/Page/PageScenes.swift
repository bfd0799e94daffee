import Libpq
import PostgresOutbox
import RelaySight

/// What an operator may meet.
extension PageScene {
    static let all = healthy + delivery + transactions + leadership + reading + [hostile]

    private static let rejection =
        "https://billing.example/hooks answered 422 Unprocessable Content: {\"title\":\"The account is not known\","
        + "\"detail\":\""
        + String(repeating: "no account 7c1e9f4a-2f1b-4a52-9d55-6e1c8a0b3d77 in ledger EMEA; ", count: 12) + "\"}"

    /// The reading of a leader in WAL mode.
    private static func wal(
        _ sinks: [RelayStatus.Sink], unpublished: Int64? = 214, _ change: (inout RelayStatus) -> Void = { _ in }
    ) -> Reading {
        var reading = SightReading.of(sinks)
        reading.status.mode = "wal"
        reading.status.streaming = true
        reading.status.leader?.host = "ledger-relay-1.internal"
        reading.status.unpublished = unpublished
        change(&reading.status)
        for sink in sinks where !sink.configured { reading.heldByUnconfigured[sink.name] = sink.lagEvents ?? 0 }
        return .of(reading)
    }

    private static func sink(
        _ name: String, _ state: String = "live", lag: Int64? = 0, age: Double? = 0, through: Int64? = 48_120_733,
        parked: Int64? = 0, error: String? = nil, configured: Bool = true
    ) -> RelayStatus.Sink {
        RelayStatus.Sink(
            name: name, configured: configured, deliveredThrough: through, lagEvents: lag, lagSeconds: age,
            parked: parked, state: state, lastError: error)
    }

    private static func withoutLeader(_ status: inout RelayStatus) {
        status.leader = nil
        status.mode = nil
        status.streaming = false
    }

    // MARK: - All is well

    private static let healthy = [
        PageScene(
            "healthy", wal([sink("audit"), sink("billing"), sink("search", lag: 3, age: 0.24)]),
            shows: [
                "All 3 sinks are live", "ledger-relay-1.internal", "pid 4711", "leads", "wal", "streaming",
                "not held back", "public.outbox", "3\nevents, oldest 0.2 s", "48120733", "last minute",
                "None since this process started.",
            ], hides: ["No answer", "sinks remove", "unknown", "doctor"]),
        PageScene(
            "idle",
            wal([sink("stdout")], unpublished: 0) { status in
                status.mode = "poll"
                status.streaming = false
            }, shows: ["stdout is live", "poll", "0 events"], hides: ["WAL mode polls", "stdout: "]),
        PageScene(
            "catching-up", wal([sink("audit"), sink("search", "catching-up", lag: 51_004, age: 61)]),
            shows: ["search is catching up", "51,004\nevents, oldest 1 min 1 s"], hides: ["doctor"]),
        PageScene(
            "standby", role: .standby, wal([sink("audit"), sink("billing")]),
            shows: ["All 2 sinks are live", "stands by", "the leader delivers"], hides: ["not ready"]),
        PageScene(
            "competing", role: .competing, wal([], withoutLeader),
            shows: ["shares the load, without order", "hook", "none is needed"], hides: ["No relay leads", "not ready"]),
        PageScene("empty", wal([], unpublished: 0), shows: ["No sink is registered"], hides: ["null", "undefined"]),
        PageScene(
            "fifty",
            wal(
                (0..<50).map { number in
                    let state = [7: "catching-up", 19: "retrying", 33: "blocked"][number] ?? "live"
                    let isWell = state == "live"
                    return sink(
                        number < 10 ? "tenant-0\(number)" : "tenant-\(number)", state,
                        lag: isWell ? 0 : Int64(number) * 37, error: isWell ? nil : "connection refused")
                }),
            shows: ["tenant-33 is blocked", "47 live, 1 catching up, 1 retrying, 1 blocked", "tenant-00", "tenant-49"]),
    ]

    // MARK: - Sinks

    private static let delivery = [
        PageScene(
            "blocked",
            wal([
                sink("audit"), sink("billing", "blocked", lag: 28_412, age: 252, through: 48_092_321, error: rejection),
            ]),
            shows: [
                "billing is blocked", "28,412\nevents, oldest 4 min 12 s", "The account is not known", "2 times",
                "outbox-relay parked add --sink billing --id 48092322", "1 live, 1 blocked",
                "sink billing has had work and made no progress for",
            ], hides: ["not ready"]
        ) { sight in
            for _ in 1...2 {
                sight.noteError("rejects event 48092322: \(rejection)", sink: "billing", event: 48_092_322)
            }
        },
        PageScene(
            "blocked-twice",
            wal([
                sink("audit", "blocked", lag: 12, age: 40, through: 7, error: "answered 400 Bad Request"),
                sink("billing", "blocked", lag: 40, age: 41, through: 5, error: "answered 422 Unprocessable Content"),
            ]),
            shows: [
                "2 sinks are blocked", "audit: answered 400 Bad Request", "billing: answered 422 Unprocessable Content",
                "outbox-relay parked add --sink audit --id 8", "outbox-relay parked add --sink billing --id ID",
            ]
        ) { $0.noteError("rejects event 8: answered 400 Bad Request", sink: "audit", event: 8) },
        PageScene(
            "retrying",
            wal([
                sink("audit"),
                sink("search", "retrying", lag: 1204, age: 31, error: "http://search.internal:9200/ cannot be reached"),
            ]),
            shows: [
                "search is retrying", "http://search.internal:9200/ cannot be reached", "outbox-relay doctor",
                "1,204\nevents, oldest 31 s", "relay", "server closed the connection",
            ], hides: ["is blocked", "search: http"]
        ) { $0.noteError("the session was lost: server closed the connection") },
        PageScene(
            "parked", wal([sink("audit"), sink("billing", parked: 3)]),
            shows: [
                "Events are parked", "3 events", "outbox-relay parked list --sink billing",
                "outbox-relay parked retry --sink billing --all",
            ], hides: ["is blocked"]),
        PageScene(
            "forgotten",
            wal(
                [
                    sink("billing"),
                    sink("stdout", "stopped", lag: 100_000, age: 777_600, through: 12, configured: false),
                ], unpublished: 100_000),
            shows: [
                "stdout is served by nobody", "100,000 or more events wait for it in the table, which grows",
                "outbox-relay sinks remove stdout", "not configured", "oldest 9 d",
            ], hides: ["is registered but not configured"]),
    ]

    // MARK: - Transactions and rows

    private static let transactions = [
        PageScene(
            "order-held",
            wal([sink("audit", lag: 912, age: 734)], unpublished: 912) { status in
                status.orderHold = .init(pid: 815, applicationName: "psql", seconds: 734, aboveID: 48_120_733)
            },
            shows: [
                "The order is held back", "pid 815 (psql) has held it for 12 min 14 s", "above id 48120733",
                "SELECT pg_terminate_backend(815)",
            ]),
        PageScene(
            "order-held-prepared",
            wal([sink("audit", lag: 40, age: 95)]) { status in
                status.orderHold = .init(gid: "it's prepared", seconds: 95, aboveID: 9_007_199_254_740_993)
            },
            shows: [
                "prepared transaction it's prepared has held it for 1 min 35 s", "COMMIT PREPARED 'it''s prepared'",
                "ROLLBACK PREPARED 'it''s prepared'", "above id 9007199254740993",
            ]),
        PageScene(
            "unreadable-row",
            wal([sink("audit", lag: 40, age: 95, through: 499)]) { status in
                status.orderHold = .init(
                    seconds: 0, aboveID: 499,
                    row: .init(id: 500, isUnreadable: true, reason: "invalid byte sequence for encoding \"UTF8\": 0xff")
                )
            },
            shows: [
                "Event 500 cannot be read", "invalid byte sequence", "Later events wait",
                "SELECT tableoid::regclass, ctid FROM public.outbox WHERE id = 500",
            ], hides: ["0 s", "an unknown session"]),
        PageScene(
            "locked",
            wal(
                [sink("audit", "blocked", lag: nil, age: nil, through: nil, parked: nil, error: lockWords)],
                unpublished: nil
            ) { status in
                status.waits = [
                    SessionWait(
                        role: "work", pid: 4712, seconds: 12.4, cause: "lock on outbox_sink",
                        heldBy: [
                            .init(pid: 815, applicationName: "psql"),
                            .init(pid: nil, gid: "transfer-77", applicationName: nil),
                        ])
                ]
            },
            shows: [
                "The relay’s work session waits",
                "lock on outbox_sink, held by pid 815 (psql) and prepared transaction",
                "SELECT pg_terminate_backend(815)", "ROLLBACK PREPARED 'transfer-77'", "its tables are locked",
                "unknown",
            ], hides: ["parked add", "null", "NaN", "undefined"]),
    ]

    private static let lockWords = "the relay's work session waits for lock on outbox_sink, held by pid 815 (psql)"

    // MARK: - Leading

    private static let leadership = [
        PageScene(
            "without-leader", role: .waiting(reason: "the former leader's stream session has not ended: pid 48120"),
            wal(
                [sink("audit", "stopped", lag: 310, age: 64), sink("billing", "stopped", lag: 310, age: 64)],
                withoutLeader),
            shows: [
                "No relay leads", "the former leader's stream session", "2 stopped", "outbox-relay doctor",
                "none is lost",
            ], hides: ["This relay is not ready"]),
        PageScene(
            "went-back", role: .stopping,
            wal([sink("audit", "stopped")]) { status in
                withoutLeader(&status)
                status.stoppedReason =
                    "the database went back: event 48120733 has left, and the sequence stands at 47000000"
            },
            shows: ["Stopped: nothing is delivered", "the database went back", "outbox-relay resume"],
            hides: ["No relay leads", "This relay is not ready"]),
        PageScene(
            "polling", wal([sink("audit")]) { $0.streaming = false },
            shows: [
                "WAL mode polls: it has no stream", "wal_level is replica", "outbox-relay doctor --mode wal",
                "not streaming: it polls",
            ], hides: ["Warning"]
        ) { $0.notePolling("wal_level is replica; set it to logical and restart the server") },
    ]

    // MARK: - The reading itself

    private static let reading = [
        PageScene(
            "starting", role: .starting, .none, shows: ["Not read yet", "starts"],
            hides: ["No relay leads", "This relay is not ready", "NaN", "null", "undefined"]),
        PageScene(
            "unreachable", .failing(after: .of([sink("audit")]), unreachable),
            shows: ["The database cannot be read", "connection refused; start the server", "outbox-relay doctor"]),
        PageScene(
            "stale", .stale(.of([sink("audit")])),
            shows: ["The reading is old", "Old: read ", "outbox-relay status"]),
    ]

    private static let unreachable = Refusal(
        .unreachable, check: "connection", problem: "connection refused", remedy: "start the server")

    // MARK: - Names from outside

    /// It would run, were it ever taken for markup.
    static let markup = "<img src=x onerror=window.ran=1></bdi><script>window.ran=1</script>"
    private static let long = "reports." + String(repeating: "a-very-long-name", count: 3) + ".eu"

    private static let hostile = PageScene(
        "hostile", role: .waiting(reason: markup),
        wal(
            [
                sink(
                    markup, "blocked", lag: 100_000, age: 3_000_000, through: .max - 1, parked: 100_000, error: markup),
                sink(long, "retrying", lag: 1, age: 4, error: String(repeating: "x", count: 3000)), sink("__proto__"),
                sink("constructor"), sink("it's; rm -rf ~", "stopped", lag: 1, configured: false),
                sink("evil\u{202E}gnp", "stopped", lag: 2, configured: false),
                sink("חיוב", "retrying", lag: 5, age: 4, error: "השרת אינו זמין"),
            ]
        ) { status in
            status.orderHold = .init(pid: 1, applicationName: markup, seconds: 1, aboveID: 1)
            status.stoppedReason = markup
            status.leader?.host = markup
        },
        shows: [
            markup, long, "9223372036854775806", "100,000 or more", "__proto__", "constructor", "חיוב",
            "evil\u{FFFD}gnp is served by nobody", #"outbox-relay sinks remove 'it'\''s; rm -rf ~'"#,
            "outbox-relay sinks remove NAME",
        ]
    ) { sight in
        sight.noteError(markup, sink: markup)
        sight.notePolling(markup)
    }
}
