internal import Generation
internal import Kernels
internal import KVCaching

/// The part of a file before the cache's bytes.
struct SessionHeader {
    /// The facts of a cache image.
    struct Image {
        var fedTokens: Int
        var slots: [Int]
        var counts: [Int]
        var layout: SlotLayout
        var positions: PositionMode
        var byteCount: Int
    }

    /// Without its image.
    var session: SavedSession
    var image: Image?

    private static let mostTokens = Int(Int32.max)
    private static let mostLanes = 1 << 20

    init(_ session: SavedSession) {
        self.session = session
        self.session.image = nil
        image = session.image.map { image in
            Image(
                fedTokens: image.fedTokens, slots: image.slots, counts: image.counts, layout: image.layout,
                positions: image.positions, byteCount: image.byteCount)
        }
    }

    // MARK: Writing

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.blob(session.fingerprint)
        writer.text(session.id)
        writer.count(session.timeToLiveMilliseconds)
        writer.integer(UInt32(session.metadata.count))
        for entry in session.metadata {
            writer.text(entry.key)
            writer.text(entry.value)
        }
        write(session.cache, &writer)
        writer.count(session.tokens.count)
        for token in session.tokens { writer.integer(token) }
        writer.integer(UInt8(image == nil ? 0 : 1))
        if let image { write(image, &writer) }
        return writer.bytes
    }

    private func write(_ cache: KVCacheRequest, _ writer: inout ByteWriter) {
        writer.text(cache.policy ?? "")
        switch cache.budget {
        case nil: writer.integer(UInt8(0))
        case .ratio(let millionths):
            writer.integer(UInt8(1))
            writer.count(millionths)
        case .tokens(let tokens):
            writer.integer(UInt8(2))
            writer.count(tokens)
        case .bytes(let bytes):
            writer.integer(UInt8(3))
            writer.count(bytes)
        }
        writer.count(cache.recentRatioMillionths)
        writer.count(cache.sinkTokens)
        writer.text(cache.storage ?? "")
        writer.integer(UInt32(cache.policyParameters.count))
        for (name, value) in cache.policyParameters.sorted(by: { $0.key < $1.key }) {
            writer.text(name)
            switch value {
            case .number(let number):
                writer.integer(UInt8(0))
                writer.integer(number.bitPattern)
            case .integer(let integer):
                writer.integer(UInt8(1))
                writer.integer(Int64(integer))
            case .text(let text):
                writer.integer(UInt8(2))
                writer.text(text)
            case .flag(let flag): writer.integer(UInt8(flag ? 4 : 3))
            }
        }
    }

    private func write(_ image: Image, _ writer: inout ByteWriter) {
        writer.count(image.fedTokens)
        writer.count(image.slots.count)
        for slots in image.slots { writer.count(slots) }
        writer.count(image.counts.count)
        for count in image.counts { writer.count(count) }
        writer.count(image.layout.headDim)
        writer.text(image.layout.keyStorage.rawValue)
        writer.text(image.layout.valueStorage.rawValue)
        writer.integer(UInt8(image.layout.isScored ? 1 : 0))
        writer.text(image.positions.rawValue)
        writer.count(image.byteCount)
    }

    // MARK: Reading

    init(_ bytes: [UInt8]) throws(ByteReader.Fault) {
        var reader = ByteReader(bytes)
        let (fingerprint, id) = (try reader.blob(), try reader.text())
        let timeToLive = try reader.requiredCount(upTo: Int.max)
        var metadata: [SavedSession.Entry] = []
        for _ in 0..<(try reader.integer(UInt32.self)) {
            metadata.append(.init(key: try reader.text(), value: try reader.text()))
        }
        let cache = try Self.cache(&reader)
        let count = try reader.requiredCount(upTo: min(Self.mostTokens, reader.rest / 4))
        var tokens: [TokenID] = []
        tokens.reserveCapacity(count)
        for _ in 0..<count { tokens.append(try reader.integer(TokenID.self)) }
        session = SavedSession(
            fingerprint: fingerprint, id: id, tokens: tokens, cache: cache, timeToLiveMilliseconds: timeToLive,
            metadata: metadata, image: nil)
        switch try reader.integer(UInt8.self) {
        case 0: image = nil
        case 1: image = try Self.image(&reader)
        default: throw ByteReader.Fault(reason: "it neither has a cache nor none")
        }
        guard reader.rest == 0 else { throw ByteReader.Fault(reason: "its header has bytes that mean nothing") }
    }

    private static func cache(_ reader: inout ByteReader) throws(ByteReader.Fault) -> KVCacheRequest {
        var cache = KVCacheRequest()
        let policy = try reader.text()
        cache.policy = policy.isEmpty ? nil : policy
        switch try reader.integer(UInt8.self) {
        case 0: cache.budget = nil
        case 1: cache.budget = .ratio(millionths: try reader.requiredCount(upTo: 1_000_000))
        case 2: cache.budget = .tokens(try reader.requiredCount(upTo: mostTokens))
        case 3: cache.budget = .bytes(try reader.requiredCount(upTo: 1 << 53))
        default: throw ByteReader.Fault(reason: "its budget is of no known kind")
        }
        cache.recentRatioMillionths = try reader.count(upTo: 1_000_000)
        cache.sinkTokens = try reader.count(upTo: mostTokens)
        let storage = try reader.text()
        cache.storage = storage.isEmpty ? nil : storage
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let name = try reader.text()
            cache.policyParameters[name] = try parameter(&reader)
        }
        return cache
    }

    private static func parameter(_ reader: inout ByteReader) throws(ByteReader.Fault) -> PolicyParameter {
        switch try reader.integer(UInt8.self) {
        case 0: .number(Double(bitPattern: try reader.integer(UInt64.self)))
        case 1: .integer(Int(try reader.integer(Int64.self)))
        case 2: .text(try reader.text())
        case 3: .flag(false)
        case 4: .flag(true)
        default: throw ByteReader.Fault(reason: "a policy's parameter is of no known kind")
        }
    }

    private static func image(_ reader: inout ByteReader) throws(ByteReader.Fault) -> Image {
        let fedTokens = try reader.requiredCount(upTo: mostTokens)
        let slots = try Self.counts(&reader)
        let counts = try Self.counts(&reader)
        let headDim = try reader.requiredCount(upTo: 1 << 16)
        guard headDim > 0, let keys = KVStorage(rawValue: try reader.text()),
            let values = KVStorage(rawValue: try reader.text())
        else { throw ByteReader.Fault(reason: "its entries are of no known kind") }
        let isScored = try reader.integer(UInt8.self) == 1
        guard let positions = PositionMode(rawValue: try reader.text()) else {
            throw ByteReader.Fault(reason: "its positions are of no known kind")
        }
        return Image(
            fedTokens: fedTokens, slots: slots, counts: counts,
            layout: SlotLayout(headDim: headDim, keyStorage: keys, valueStorage: values, isScored: isScored),
            positions: positions, byteCount: try reader.requiredCount(upTo: Int.max))
    }

    private static func counts(_ reader: inout ByteReader) throws(ByteReader.Fault) -> [Int] {
        let count = try reader.requiredCount(upTo: min(mostLanes, reader.rest / 8))
        var counts: [Int] = []
        for _ in 0..<count { counts.append(try reader.requiredCount(upTo: mostTokens)) }
        return counts
    }
}
