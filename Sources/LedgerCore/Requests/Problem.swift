/// Why a request is not done, as RFC 9457 ("problem details") has it.
package struct Problem: Error, Hashable, Sendable {
    /// What programs go by; the OpenAPI document lists them.
    package enum Code: String, CaseIterable, Sendable {
        // The request cannot be understood.
        case malformedJSON = "malformed_json"
        case invalidRequest = "invalid_request"
        case invalidParameter = "invalid_parameter"
        case missingIdempotencyKey = "missing_idempotency_key"
        case invalidIdempotencyKey = "invalid_idempotency_key"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case bodyTooLarge = "body_too_large"
        case unsupportedMediaType = "unsupported_media_type"

        // The key is another request's.
        case keyReused = "key_reused"
        case keyInFlight = "key_in_flight"

        // The ledger refuses. Those below are also the names under which its functions refuse.
        case unknownTransfer = "unknown_transfer"
        case unknownAccount = "unknown_account"
        case unbalanced
        case assetMismatch = "asset_mismatch"
        case severalBooks = "several_books"
        case externalIDUsed = "external_id_used"
        case insufficientFunds = "insufficient_funds"
        case alreadyReversed = "already_reversed"
        case nothingSettled = "nothing_settled"
        case notAHold = "not_a_hold"
        case nothingHeld = "nothing_held"
        case beyondHold = "beyond_hold"
        case outOfRange = "out_of_range"
        case pathTaken = "path_taken"
        case invalidTransfer = "invalid_transfer"
        case invalidAccount = "invalid_account"

        // Not now.
        case busy
        case tooSlow = "too_slow"
        case databaseUnavailable = "database_unavailable"
        case internalError = "internal_error"
    }

    package let code: Code
    /// The HTTP status.
    package let status: Int
    /// One sentence.
    package let detail: String

    package init(_ code: Code, status: Int? = nil, _ detail: String) {
        self.code = code
        self.status = status ?? code.status
        self.detail = detail
    }

    /// The body, `application/problem+json`.
    package var json: String {
        let body: JSONValue = [
            "title": .string(code.title), "status": .number(String(status)), "detail": .string(detail),
            "code": .string(code.rawValue),
        ]
        return body.description
    }
}

extension Problem.Code {
    fileprivate var status: Int {
        switch self {
        case .malformedJSON, .invalidRequest, .invalidParameter, .missingIdempotencyKey, .invalidIdempotencyKey: 400
        case .notFound, .unknownTransfer: 404
        case .methodNotAllowed: 405
        case .keyReused, .keyInFlight: 409
        case .bodyTooLarge: 413
        case .unsupportedMediaType: 415
        case .internalError: 500
        case .busy, .tooSlow, .databaseUnavailable: 503
        default: 422
        }
    }

    /// The status in words.
    fileprivate var title: String {
        switch status {
        case 400: "The request cannot be understood"
        case 404: "There is no such thing"
        case 405: "The method is not allowed"
        case 409: "The idempotency key is taken"
        case 413: "The request is too large"
        case 415: "The request is not JSON"
        case 500: "The ledger failed"
        case 503: "Not now"
        default: "The ledger refuses"
        }
    }
}
