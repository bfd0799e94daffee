import ArgumentParser
import Glibc

/// How a load chooses the accounts of a transfer.
enum AccountChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Every account as likely as any other.
    case uniform
    /// A few accounts often, most of them rarely: the n-th with a weight of 1 / n.
    case zipfian
    /// One account on one side of nearly every transfer, as with a fee account.
    case hot

    /// A place from 0 below `count`.
    func pick(below count: Int) -> Int {
        switch self {
        case .uniform: Int.random(in: 0..<count)
        // The inverse of the weights' sum, ln n, which is close enough to the harmonic numbers here.
        case .zipfian: min(Int(exp(Double.random(in: 0..<1) * log(Double(count) + 1))) - 1, count - 1)
        case .hot: Int.random(in: 0..<10) == 0 ? Int.random(in: 0..<count) : 0
        }
    }

    /// Two different places below `count`, which is at least 2: who pays and who is paid.
    func pair(below count: Int) -> (payer: Int, payee: Int) {
        let one = pick(below: count)
        let other = (one + Int.random(in: 1..<count)) % count
        return Bool.random() ? (one, other) : (other, one)
    }
}
