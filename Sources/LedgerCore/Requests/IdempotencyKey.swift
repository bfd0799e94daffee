/// What a client calls a request by, so that sending it again does not do it again: the header `Idempotency-Key`.
package struct IdempotencyKey: Hashable, Sendable {
    /// 1 to 255 characters of visible ASCII.
    package let text: String

    /// `nil` where it is empty, too long, or has other characters.
    package init?(_ text: String) {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        self.text = text
    }
}
