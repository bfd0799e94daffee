/// The names of the metrics of `ledger serve`, and what they mean.
enum MetricNames {
    static let requests = "ledger_http_requests_total"
    static let duration = "ledger_http_request_duration_seconds"
    static let replays = "ledger_idempotent_replays_total"
    static let retries = "ledger_request_retries_total"
    static let sessions = "ledger_database_sessions"
    static let waiting = "ledger_requests_waiting"
    static let expired = "ledger_keys_expired_total"

    static let help = [
        requests: "Requests answered.",
        duration: "From the arrival of a request's head to its answer.",
        replays: "Requests answered with what an earlier one was answered.",
        retries: "Steps tried again: deadlocks, lost sessions.",
        sessions: "Open sessions with the database.",
        waiting: "Requests that wait for a session.",
        expired: "Idempotency keys deleted when their time was over.",
    ]
}
