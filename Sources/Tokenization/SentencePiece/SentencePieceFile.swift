/// A `tokenizer.model`: SentencePiece's `ModelProto`, as far as tokenizing needs it.
struct SentencePieceFile {
    /// `TrainerSpec.ModelType`.
    enum Kind: UInt64 {
        case unigram = 1
        case merging = 2
        case word = 3
        case character = 4
    }

    private(set) var tokens: [[UInt8]] = []
    private(set) var scores: [Float] = []
    private(set) var types: [TokenType] = []
    private(set) var kind = Kind.unigram
    private(set) var usesByteTokens = false
    private(set) var bosText = Array("<s>".utf8)
    private(set) var eosText = Array("</s>".utf8)
    /// Everything but the kept texts of user-defined tokens, which `Tokenizer` adds.
    private(set) var normalizer = SentencePieceNormalizer()

    init(_ bytes: [UInt8]) throws(TokenizerError) {
        var reader = ProtobufReader(bytes, name: "tokenizer.model")
        while let (number, value) = try reader.next() {
            guard (1...3).contains(number) else { continue }
            guard case .bytes(let range) = value else { throw reader.mismatch("field \(number)") }
            switch number {
            case 1: try readPiece(ProtobufReader(bytes, range, name: "pieces[\(tokens.count)]"), bytes)
            case 2: try readTrainer(ProtobufReader(bytes, range, name: "trainer_spec"), bytes)
            default: try readNormalizer(ProtobufReader(bytes, range, name: "normalizer_spec"), bytes)
            }
        }
        guard !tokens.isEmpty else { throw .emptyVocabulary }
    }

    private mutating func readPiece(_ reader: ProtobufReader, _ bytes: [UInt8]) throws(TokenizerError) {
        var reader = reader
        var text: [UInt8] = []
        var score: Float = 0
        var type = TokenType.normal
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let range)): text = Array(bytes[range])
            case (2, .fixed32(let bits)): score = Float(bitPattern: bits)
            case (3, .varint(let raw)):
                guard let known = Int32(exactly: raw).flatMap({ TokenType(rawValue: $0) }) else {
                    throw .badField(field: "\(reader.name).type", reason: "\(raw) is not one of 1 to 6")
                }
                type = known
            case (1...3, _): throw reader.mismatch("field \(number)")
            default: break
            }
        }
        tokens.append(text)
        scores.append(score)
        types.append(type)
    }

    private mutating func readTrainer(_ reader: ProtobufReader, _ bytes: [UInt8]) throws(TokenizerError) {
        var reader = reader
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (3, .varint(let raw)):
                guard let known = Kind(rawValue: raw), known == .unigram || known == .merging else {
                    throw .unsupported(
                        field: "trainer_spec.model_type", value: "\(raw)", known: ["1 (unigram)", "2 (BPE)"])
                }
                kind = known
            case (24, .varint(let flag)): normalizer.marksWordEnds = flag != 0
            case (35, .varint(let flag)): usesByteTokens = flag != 0
            case (46, .bytes(let range)): bosText = Array(bytes[range])
            case (47, .bytes(let range)): eosText = Array(bytes[range])
            case (3, _), (24, _), (35, _), (46, _), (47, _): throw reader.mismatch("field \(number)")
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ reader: ProtobufReader, _ bytes: [UInt8]) throws(TokenizerError) {
        var reader = reader
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (2, .bytes(let range)):
                guard !range.isEmpty else { continue }
                normalizer.replacements = try PrecompiledCharsMap(
                    Array(bytes[range]), field: "normalizer_spec.precompiled_charsmap")
            case (3, .varint(let flag)): normalizer.addsDummySpace = flag != 0
            case (4, .varint(let flag)): normalizer.removesExtraSpaces = flag != 0
            case (5, .varint(let flag)): normalizer.escapesSpaces = flag != 0
            case (2...5, _): throw reader.mismatch("field \(number)")
            default: break
            }
        }
    }
}
