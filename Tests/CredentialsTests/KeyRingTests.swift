import Testing

@testable import Credentials

/// Keys, digests and the header that carries a key.
@Suite struct KeyRingTests {
    @Test func digestIsSHA256() {
        // FIPS 180-2, appendix B.1.
        let digest = KeyDigest(of: "abc")
        #expect(digest.hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(KeyDigest(hexadecimal: digest.hexadecimal.uppercased()) == digest)
        #expect(KeyDigest(of: "abd") != digest)
        #expect(!"\(digest)".contains("ba78"))
    }

    @Test(arguments: ["", "ba78", String(repeating: "g", count: 64), String(repeating: "0", count: 65), "é"])
    func whatIsNoDigestIsRefused(text: String) {
        #expect(KeyDigest(hexadecimal: text) == nil)
    }

    @Test func newKeysDifferAndAreLong() {
        let keys = (0..<200).map { _ in NewKey() }
        #expect(Set(keys.map(\.text)).count == keys.count)
        for key in keys {
            #expect(key.text.utf8.count == 46)
            #expect(key.text.hasPrefix("kh-"))
        }
        #expect(Set(keys.flatMap { $0.text.dropFirst(3) }).count == 64)
    }

    @Test func ringFindsTheHolderOfAKeyAndNobodyElse() throws {
        let keys = (0..<5).map { _ in NewKey() }
        let ring = try KeyRing(keys.enumerated().map { APIKey(name: "k\($0)", digest: $1.digest) })
        for (index, key) in keys.enumerated() { #expect(ring.holder(of: key.text)?.name == "k\(index)") }
        for wrong in ["", "kh-", keys[0].text + "x", String(keys[0].text.dropLast()), keys[0].digest.hexadecimal] {
            #expect(ring.holder(of: wrong) == nil)
        }
        #expect(KeyRing().holder(of: keys[0].text) == nil)
    }

    @Test func twoEntriesMayNotShareNameOrHash() {
        let (first, second) = (KeyDigest(of: "a"), KeyDigest(of: "b"))
        #expect(throws: KeyRingError.repeatedName("x")) {
            try KeyRing([APIKey(name: "x", digest: first), APIKey(name: "x", digest: second)])
        }
        #expect(throws: KeyRingError.repeatedKey("x", "y")) {
            try KeyRing([APIKey(name: "x", digest: first), APIKey(name: "y", digest: first)])
        }
    }

    @Test(arguments: ["a", "team-1", "A.b_c", String(repeating: "n", count: 64)])
    func plainNamesAreNames(name: String) { #expect(APIKey.isName(name)) }

    @Test(arguments: [
        "", "a b", "a\"b", "a\nb", "é", "anonymous", "other", String(repeating: "n", count: 65), "a{b}", "a=b",
    ])
    func whatCouldBreakALabelOrALineIsNoName(name: String) { #expect(!APIKey.isName(name)) }

    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER   abc  ", "abc"), ("Bearer\tabc", "abc"),
        ("Bearer a b", "a b"),
    ])
    func tokenFollowsTheScheme(header: String, token: String) {
        #expect(BearerToken.read(header).map(String.init) == token)
    }

    @Test(arguments: [nil, "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"])
    func otherHeadersHaveNoToken(header: String?) { #expect(BearerToken.read(header) == nil) }

    @Test func anEndlessHeaderIsNotLookedAt() {
        #expect(BearerToken.read("Bearer " + String(repeating: "a", count: 5000)) == nil)
    }
}
