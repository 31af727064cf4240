import Generation
import KVCaching
import Kernels
import TestSupport

@testable import SessionFiles

/// Sessions made of random numbers.
struct SampleSession {
    static let fingerprint: [UInt8] = Array(0..<32)

    static func random(_ random: inout SeededRandom, hasCache: Bool = true) -> SavedSession {
        var cache = KVCacheRequest()
        cache.policy = "keyformer"
        cache.budget = [nil, .ratio(millionths: 500_000), .tokens(17), .bytes(1 << 20)].randomElement(using: &random)!
        cache.recentRatioMillionths = Bool.random(using: &random) ? 300_000 : nil
        cache.sinkTokens = Bool.random(using: &random) ? 4 : nil
        cache.storage = ["f16", "q8"].randomElement(using: &random)
        cache.policyParameters = [
            "seed": .integer(7), "tau_end": .number(1.5), "noise": .text("fixed"), "flag": .flag(true),
        ]
        let fed = Int.random(in: 3...40, using: &random)
        return SavedSession(
            fingerprint: fingerprint, id: "sess_\(fed)", tokens: (0..<TokenID(hasCache ? fed : 0)).map { $0 * 3 },
            cache: cache, timeToLiveMilliseconds: 90_000,
            metadata: [.init(key: "user", value: "ä\u{0}\"")], image: hasCache ? image(fed, &random) : nil)
    }

    private static func image(_ fed: Int, _ random: inout SeededRandom) -> CacheImage {
        let layout = SlotLayout(headDim: 8, keyStorage: .f16, valueStorage: .f32, isScored: true)
        let slots = [fed - 1, fed - 2]
        let count = CacheImage.byteCount(slots: slots, kvHeads: 3, layout: layout) ?? 0
        return CacheImage(
            fedTokens: fed, slots: slots, counts: slots.flatMap { [$0, $0, $0] }, layout: layout,
            positions: .compact, byteCount: count
        ) { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
    }

    /// The image's bytes.
    static func bytes(_ session: SavedSession) -> [UInt8] {
        session.image?.withBytes { span in
            (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        } ?? []
    }

    /// What of two sessions differs, in words.
    static func difference(_ left: SavedSession, _ right: SavedSession) -> String? {
        if left.id != right.id || left.tokens != right.tokens || left.fingerprint != right.fingerprint { return "who" }
        if left.cache != right.cache { return "\(left.cache) and \(right.cache)" }
        if left.timeToLiveMilliseconds != right.timeToLiveMilliseconds || left.metadata != right.metadata {
            return "metadata"
        }
        guard let one = left.image, let other = right.image else {
            return left.image == nil && right.image == nil ? nil : "only one has a cache"
        }
        if one.fedTokens != other.fedTokens || one.slots != other.slots || one.counts != other.counts
            || one.layout != other.layout || one.positions != other.positions
        {
            return "the caches' facts"
        }
        return bytes(left) == bytes(right) ? nil : "the caches' bytes"
    }
}
