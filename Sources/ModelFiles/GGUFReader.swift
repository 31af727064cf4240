internal import Tensors

/// Reads the header of a GGUF file: magic, version, counts, metadata, tensor infos; then finds the data section.
struct GGUFReader {
    static let magic: [UInt8] = Array("GGUF".utf8)
    /// The longest key or tensor name (docs/gguf.md limits keys to 65535 bytes).
    static let maxNameBytes = 65_535
    static let maxDimensions = 4
    static let defaultAlignment = 32
    static let alignmentKey = "general.alignment"
    /// Bytes of the shortest metadata entry: key length, type and a one-byte value.
    private static let minimumEntryBytes = 13
    /// Bytes of the shortest tensor info: name length, dimension count, type and offset.
    private static let minimumInfoBytes = 24

    private let file: MappedFile
    private var values: GGUFValueReader

    init(file: MappedFile) {
        self.file = file
        values = GGUFValueReader(cursor: ByteCursor(file: file))
    }

    /// The version, after the magic that tells a GGUF file.
    mutating func readVersion() throws(ModelFileError) -> Int {
        let magic = try values.cursor.skip(4, "magic")
        guard file.copy(magic) == Self.magic else {
            throw .notAModel(path: file.path, found: "the file does not begin with \"GGUF\"")
        }
        let version = try values.cursor.integer(UInt32.self, "version")
        if version != 0, version & 0xFFFF == 0 { throw .bigEndian(file: file.path) }
        guard version == 2 || version == 3 else { throw .unsupportedVersion(file: file.path, version: version) }
        return Int(version)
    }

    /// Metadata and tensors; the cursor stands after the version.
    mutating func readContents() throws(ModelFileError) -> (GGUFMetadata, TensorDirectory) {
        let tensorCount = try values.cursor.count(minimumBytes: Self.minimumInfoBytes, "tensor count")
        let entryCount = try values.cursor.count(minimumBytes: Self.minimumEntryBytes, "metadata count")
        let metadata = try readMetadata(count: entryCount)
        let alignment = try alignment(metadata)
        var infos: [GGUFTensorInfo] = []
        for index in 0..<tensorCount { infos.append(try readTensorInfo(index)) }
        return (metadata, try place(infos, alignment: alignment))
    }

    private mutating func readMetadata(count: Int) throws(ModelFileError) -> GGUFMetadata {
        var metadata = GGUFMetadata(mapping: file)
        for index in 0..<count {
            let start = values.cursor.offset
            let key = try values.cursor.name(limit: Self.maxNameBytes, "metadata key \(index)")
            let field = "metadata key \(quoted(key))"
            let type = try values.type("type of \(field)")
            let offset = values.cursor.offset
            let value = try values.value(of: type, field, depth: 0)
            let range = offset..<values.cursor.offset
            guard metadata.append(.init(key: key, type: type, value: value, range: range)) else {
                throw values.cursor.damaged("metadata key \(index)", at: start, .duplicateName(key))
            }
        }
        return metadata
    }

    /// The alignment of tensor data, which defaults to 32 bytes.
    private func alignment(_ metadata: GGUFMetadata) throws(ModelFileError) -> Int {
        let key = Self.alignmentKey
        guard let value = metadata[key] else { return Self.defaultAlignment }
        guard metadata.type(of: key) == .uint32, let alignment = value.integer, alignment >= 8,
            alignment & (alignment - 1) == 0
        else {
            throw metadata.wrongValue(key, wanted: "a uint32 that is a power of two and at least 8")
        }
        return alignment
    }

    private mutating func readTensorInfo(_ index: Int) throws(ModelFileError) -> GGUFTensorInfo {
        let start = values.cursor.offset
        let name = try values.cursor.name(limit: Self.maxNameBytes, "name of tensor \(index)")
        let field = "tensor \(quoted(name))"
        let dimensionCount = try values.cursor.integer(UInt32.self, "dimension count of \(field)")
        guard dimensionCount <= UInt32(Self.maxDimensions) else {
            throw values.cursor.damaged(
                field, at: start, .tooManyDimensions(found: dimensionCount, limit: Self.maxDimensions))
        }
        var dimensions: [UInt64] = []
        for _ in 0..<dimensionCount {
            dimensions.append(try values.cursor.integer(UInt64.self, "dimensions of \(field)"))
        }
        let type = GGUFTensorType(number: try values.cursor.integer(UInt32.self, "type of \(field)"))
        let dataOffset = try values.cursor.integer(UInt64.self, "data offset of \(field)")
        do {
            // The file lists the innermost dimension first.
            let shape = Array(dimensions.reversed())
            let byteCount = try type.byteCount(shape: shape)
            return GGUFTensorInfo(
                name: name, shape: shape.map { Int($0) }, type: type, byteCount: byteCount, dataOffset: dataOffset,
                infoOffset: start)
        } catch {
            throw values.cursor.damaged(field, at: start, error)
        }
    }

    /// The directory of tensors whose data lies inside the data section, aligned and apart from each other.
    private func place(_ infos: [GGUFTensorInfo], alignment: Int) throws(ModelFileError) -> TensorDirectory {
        let headerEnd = values.cursor.offset
        let dataStart = (headerEnd + alignment - 1) / alignment * alignment
        guard infos.isEmpty || dataStart <= file.byteCount else {
            let fault = FormatFault.truncated(needed: UInt64(dataStart - headerEnd), remaining: values.cursor.remaining)
            throw values.cursor.damaged("padding before the tensor data", at: headerEnd, fault)
        }
        var directory = TensorDirectory(source: file.path)
        for info in infos {
            let field = "tensor \(quoted(info.name))"
            do throws(FormatFault) {
                let range = try info.range(dataStart: dataStart, fileEnd: file.byteCount, alignment: alignment)
                let tensor = TensorInfo(
                    name: info.name, shape: info.shape, typeName: info.type.name, dtype: info.type.dtype,
                    file: file.path, range: range)
                guard directory.append(tensor, in: file) else { throw .duplicateName(info.name) }
            } catch {
                throw values.cursor.damaged(field, at: info.infoOffset, error)
            }
        }
        if let (index, other) = directory.firstOverlap() {
            let info = infos[index]
            throw values.cursor.damaged(
                "tensor \(quoted(info.name))", at: info.infoOffset, .overlaps(other: infos[other].name))
        }
        return directory
    }
}

/// A tensor info as the header gives it, its size known and its place not yet checked.
private struct GGUFTensorInfo {
    let name: String
    /// Outermost dimension first.
    let shape: [Int]
    let type: GGUFTensorType
    /// Nil where the type's size is not known.
    let byteCount: Int?
    /// Bytes from the start of the data section.
    let dataOffset: UInt64
    /// Where the info starts in the file, for errors.
    let infoOffset: Int

    /// The tensor's bytes in the file.
    func range(dataStart: Int, fileEnd: Int, alignment: Int) throws(FormatFault) -> Range<Int> {
        guard dataOffset % UInt64(alignment) == 0 else {
            throw .misaligned(offset: dataOffset, alignment: alignment)
        }
        let dataBytes = fileEnd - dataStart
        let byteCount = byteCount ?? 0
        guard dataOffset <= UInt64(dataBytes), byteCount <= dataBytes - Int(dataOffset) else {
            throw .outsideData(offset: dataOffset, byteCount: byteCount, dataBytes: dataBytes)
        }
        let start = dataStart + Int(dataOffset)
        return start..<start + byteCount
    }
}
