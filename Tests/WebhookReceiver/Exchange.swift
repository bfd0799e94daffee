/// A request as the receiver got it, in whole.
package struct ReceivedRequest: Sendable {
    package var method: String
    /// As it is in the request line.
    package var target: String
    /// `HTTP/1.1` or `HTTP/2`.
    package var version: String
    /// In the order of the request.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Which connection it came on, counted from 0.
    package var connection: Int

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The one value of a header; nil where there is none, or are several.
    package subscript(name: String) -> String? {
        let values = values(name)
        return values.count == 1 ? values[0] : nil
    }

    /// All values of a header.
    package func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }
}

/// What the receiver answers.
package struct ReceiverAnswer: Sendable {
    package var status: Int
    package var headers: [String: String]
    package var body: String
    /// How long it waits with the answer.
    package var delay: Duration
    /// Hangs up instead of answering.
    package var hangsUp = false

    package init(
        _ status: Int = 200, headers: [String: String] = [:], body: String = "", delay: Duration = .zero
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.delay = delay
    }

    /// Hangs up instead of answering.
    package static var hangUp: ReceiverAnswer {
        var answer = ReceiverAnswer()
        answer.hangsUp = true
        return answer
    }
}
