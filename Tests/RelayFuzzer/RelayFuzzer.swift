import Glibc
import RelayFuzzing

/// The target that `FUZZ_TARGET` names.
private let target = FuzzTarget.all.first { $0.name == getenv("FUZZ_TARGET").map { String(cString: $0) } }

/// What libFuzzer calls with every input (LLVM documentation, "libFuzzer", "Fuzz Target").
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else {
        print("FUZZ_TARGET names one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        exit(64)
    }
    do {
        _ = try target.run(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        print("broken: \(error)")
        abort()
    }
    return 0
}
