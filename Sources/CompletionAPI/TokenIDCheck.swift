public import Generation
internal import JSON

/// Token ids as the engine takes them, or an error that names the first one outside the vocabulary.
public func checked(tokens: [Int], vocabularySize: Int, param: String) throws(APIError) -> [TokenID] {
    var checkedTokens: [TokenID] = []
    checkedTokens.reserveCapacity(tokens.count)
    for (index, token) in tokens.enumerated() {
        guard (0..<vocabularySize).contains(token), let id = TokenID(exactly: token) else {
            throw .tokenOutside(vocabularySize: vocabularySize, token: token, param: "\(param)[\(index)]")
        }
        checkedTokens.append(id)
    }
    return checkedTokens
}

extension GenerationRequest {
    /// Checks the ids of `logit_bias` and `stop_token_ids`, which decoding cannot: it does not know the model.
    public func checkTokenIDs(vocabularySize: Int) throws(APIError) {
        for token in sampling.logitBias.keys.sorted() where Int(token) >= vocabularySize {
            throw .tokenOutside(vocabularySize: vocabularySize, token: Int(token), param: "logit_bias.\(token)")
        }
        for (index, token) in stop.stopTokens.enumerated() where Int(token) >= vocabularySize {
            let param = "stop_token_ids[\(index)]"
            throw .tokenOutside(vocabularySize: vocabularySize, token: Int(token), param: param)
        }
    }
}

extension APIError {
    /// An id that the model does not have.
    static func tokenOutside(vocabularySize: Int, token: Int, param: String) -> APIError {
        invalidValue(param, "a token id from 0 to \(vocabularySize - 1)", given: .integer(token))
    }
}
