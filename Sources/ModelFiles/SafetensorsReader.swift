internal import JSON
internal import Tensors

/// Reads the header of a safetensors file.
struct SafetensorsReader {
    /// The longest header, the format's own limit.
    static let maxHeaderBytes = 100_000_000
    private static let headerLimits = JSONLimits(maxBytes: maxHeaderBytes, maxDepth: 8)
    /// The header begins behind its eight-byte length.
    private static let headerStart = 8

    let file: MappedFile

    func readContents() throws(ModelFileError) -> (JSONObject, TensorDirectory) {
        var cursor = ByteCursor(file: file)
        let length = try cursor.integer(UInt64.self, "header length")
        guard length <= UInt64(Self.maxHeaderBytes) else {
            throw cursor.damaged("header length", at: 0, .tooLong(length: length, limit: Self.maxHeaderBytes))
        }
        let header = try file.jsonObject(
            in: try cursor.skip(length, "header"), limits: Self.headerLimits, field: "header")
        return try read(header, dataStart: cursor.offset)
    }

    private func read(_ header: JSONObject, dataStart: Int) throws(ModelFileError) -> (JSONObject, TensorDirectory) {
        var metadata = JSONObject()
        var infos: [TensorInfo] = []
        for (name, value) in header {
            let field = name == "__metadata__" ? "header entry __metadata__" : "tensor \(quoted(name))"
            do throws(FormatFault) {
                let members = try Self.object(value)
                if name == "__metadata__" {
                    for (_, value) in members where value.asString == nil {
                        throw .wrongJSON(found: value.typeName, expected: "a string")
                    }
                    metadata = members
                } else {
                    infos.append(try info(name, members, dataStart: dataStart))
                }
            } catch {
                throw .damaged(file: file.path, field: field, offset: Self.headerStart, fault: error)
            }
        }
        return (metadata, try place(infos, dataStart: dataStart))
    }

    /// The tensor that a header entry describes, checked by itself.
    private func info(_ name: String, _ members: JSONObject, dataStart: Int) throws(FormatFault) -> TensorInfo {
        let dataBytes = file.byteCount - dataStart
        guard let typeName = members["dtype"]?.asString else {
            throw .wrongJSON(found: Self.type(members["dtype"]), expected: "a string as dtype")
        }
        let type = SafetensorsType(name: typeName)
        let shape = try Self.naturals(members["shape"], "shape")
        let offsets = try Self.naturals(members["data_offsets"], "data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            let expected = "a start and an end not before it as data_offsets"
            throw .wrongJSON(found: "\(offsets.prefix(4))", expected: expected)
        }
        guard offsets[1] <= UInt64(dataBytes) else {
            throw .outsideData(offset: offsets[0], byteCount: Int(offsets[1] - offsets[0]), dataBytes: dataBytes)
        }
        let range = dataStart + Int(offsets[0])..<dataStart + Int(offsets[1])
        if let expected = try type.byteCount(shape: shape), expected != range.count {
            throw .sizeMismatch(
                shape: shape.map { Int($0) }, type: typeName, expected: expected, found: range.count)
        }
        return TensorInfo(
            name: name, shape: shape.map { Int($0) }, typeName: typeName, dtype: type.dtype, file: file.path,
            range: range)
    }

    /// The directory of tensors that together fill the data.
    private func place(_ infos: [TensorInfo], dataStart: Int) throws(ModelFileError) -> TensorDirectory {
        let sorted = infos.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = dataStart
        var last = ""
        for info in sorted {
            if info.range.lowerBound < end { throw damaged(info, .overlaps(other: last)) }
            if info.range.lowerBound > end {
                throw damaged(info, .unusedBytes(end - dataStart..<info.range.lowerBound - dataStart))
            }
            (end, last) = (info.range.upperBound, info.name)
        }
        guard end == file.byteCount else {
            let fault = FormatFault.unusedBytes(end - dataStart..<file.byteCount - dataStart)
            throw .damaged(file: file.path, field: "data", offset: end, fault: fault)
        }
        var directory = TensorDirectory(source: file.path)
        for info in infos {
            guard directory.append(info, in: file) else { throw damaged(info, .duplicateName(info.name)) }
        }
        return directory
    }

    private func damaged(_ info: TensorInfo, _ fault: FormatFault) -> ModelFileError {
        .damaged(file: file.path, field: "tensor \(quoted(info.name))", offset: info.range.lowerBound, fault: fault)
    }

    private static func object(_ value: JSONValue) throws(FormatFault) -> JSONObject {
        guard let object = value.asObject else { throw .wrongJSON(found: value.typeName, expected: "an object") }
        return object
    }

    /// An array of integers that are not negative.
    private static func naturals(_ value: JSONValue?, _ field: String) throws(FormatFault) -> [UInt64] {
        guard let elements = value?.asArray else {
            throw .wrongJSON(found: type(value), expected: "an array as \(field)")
        }
        var naturals: [UInt64] = []
        for element in elements {
            guard let natural = element.asInt.flatMap({ UInt64(exactly: $0) }) else {
                let found = element.asInt.map { "\($0)" } ?? element.typeName
                throw .wrongJSON(found: found, expected: "non-negative integers in \(field)")
            }
            naturals.append(natural)
        }
        return naturals
    }

    private static func type(_ value: JSONValue?) -> String { value?.typeName ?? "nothing" }
}
