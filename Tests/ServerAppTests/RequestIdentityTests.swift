import Testing

@testable import ServerApp

/// The client's own request id is kept where it can do no harm.
@Suite struct RequestIdentityTests {
    @Test(arguments: [
        "a", "0b5e6c1e-7f1f-4b70-9d28-2f3a4b5c6d7e", "A.b_c:d/e+f=g@h", String(repeating: "x", count: 128),
    ])
    func plainOnesAreKept(value: String) {
        #expect(RequestIdentity.accepted(value) == value)
    }

    @Test(arguments: ["", "a b", "a\"b", "a\u{7f}", "é", "a\tb", "{}", String(repeating: "x", count: 129)])
    func othersAreNot(value: String) {
        #expect(RequestIdentity.accepted(value) == nil)
    }

    @Test func mintedOnesDifferAndAreAccepted() {
        let (first, second) = (RequestIdentity.minted(), RequestIdentity.minted())
        #expect(first != second)
        #expect(RequestIdentity.accepted(first) == first)
    }
}
