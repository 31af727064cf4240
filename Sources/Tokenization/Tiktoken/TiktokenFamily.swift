/// What a rank file leaves out, for the families that publish such files; the number of ranks tells them apart.
struct TiktokenFamily: Sendable {
    /// The splitting patterns, by GGUF's name.
    let pre: String
    /// Control tokens behind the ranks, from the first free id; nil skips one.
    let specials: [String?]
    /// A text begins with this token.
    let bos: String?
    let composes: Bool

    private static let byRankCount: [Int: TiktokenFamily] = [
        50256: TiktokenFamily(pre: "gpt-2", specials: ["<|endoftext|>"], bos: nil, composes: false),
        100_256: TiktokenFamily(pre: "dbrx", specials: [nil, "<|endoftext|>"], bos: nil, composes: false),
        128_000: TiktokenFamily(pre: "llama-bpe", specials: llama3, bos: "<|begin_of_text|>", composes: false),
        151_643: TiktokenFamily(
            pre: "qwen2", specials: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], bos: nil, composes: true),
        199_998: TiktokenFamily(pre: "gpt-4o", specials: [nil, "<|endoftext|>"], bos: nil, composes: false),
    ]

    private static let llama3: [String] =
        ["<|begin_of_text|>", "<|end_of_text|>"] + (0...3).map(reserved)
        + ["<|start_header_id|>", "<|end_header_id|>", reserved(4), "<|eot_id|>"] + (5...250).map(reserved)

    private static func reserved(_ number: Int) -> String { "<|reserved_special_token_\(number)|>" }

    /// The family of a file with so many ranks, or only the patterns that `pre` names.
    static func family(rankCount: Int, pre: String?) throws(TokenizerError) -> TiktokenFamily {
        if let pre { return TiktokenFamily(pre: pre, specials: [], bos: nil, composes: false) }
        guard let family = byRankCount[rankCount] else {
            throw .unsupported(
                field: "number of ranks", value: "\(rankCount)",
                known: byRankCount.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.pre))" }
                    + ["any other with its patterns named (--pre)"])
        }
        return family
    }
}
