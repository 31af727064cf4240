internal import JSON
internal import Tensors

extension MappedFile {
    /// The JSON object written in the bytes of `range`, which errors call `field`.
    func jsonObject(in range: Range<Int>, limits: JSONLimits, field: String) throws(ModelFileError) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try json(in: range, limits: limits)
        } catch {
            throw .damaged(
                file: path, field: field, offset: range.lowerBound + error.byteOffset,
                fault: .invalidJSON(error.description))
        }
        guard let object = value.asObject else {
            let fault = FormatFault.wrongJSON(found: value.typeName, expected: "an object")
            throw .damaged(file: path, field: field, offset: range.lowerBound, fault: fault)
        }
        return object
    }

    /// The JSON object that is the whole file at `path`.
    static func jsonObject(path: String) throws(ModelFileError) -> JSONObject {
        let file = try opened(path)
        return try file.jsonObject(in: 0..<file.byteCount, limits: .file, field: "JSON text")
    }
}
