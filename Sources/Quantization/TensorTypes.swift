internal import ModelFiles
internal import Tensors

/// Which type each tensor of a model gets. The rules are those of llama.cpp's `llama-quantize` without an importance
/// matrix (src/llama-quant.cpp), so that files have the sizes and qualities that their types' names promise.
struct TensorTypes {
    let type: QuantizationType
    let architecture: String
    let layerCount: Int
    let expertCount: Int
    /// Llama with 80 layers and fewer KV heads than heads.
    let isLlama70B: Bool
    /// The embedding is the output matrix too.
    private let isTied: Bool
    /// Names of the matrices of values, by rising layer.
    private let valueMatrices: [String]

    init(_ type: QuantizationType, metadata: GGUFMetadata, tensors: [TensorInfo]) throws(ModelFileError) {
        self.type = type
        let architecture = try metadata.stringIfPresent("general.architecture") ?? ""
        self.architecture = architecture
        layerCount = try metadata.uintIfPresent("\(architecture).block_count") ?? 0
        expertCount = try metadata.uintIfPresent("\(architecture).expert_count") ?? 0
        // Per-layer head counts are arrays; no model of that kind is meant here.
        let heads = metadata["\(architecture).attention.head_count"]?.integer
        let kvHeads = metadata["\(architecture).attention.head_count_kv"]?.integer ?? heads
        isLlama70B = architecture == "llama" && layerCount == 80 && heads != kvHeads
        isTied = !tensors.contains { $0.name == "output.weight" }
        valueMatrices = tensors.map(\.name).filter(Self.isValueMatrix)
            .sorted { (Self.layer(of: $0) ?? -1, $0) < (Self.layer(of: $1) ?? -1, $1) }
    }

    /// The type that the tensor gets: its own where it is none that is quantised.
    func type(of tensor: TensorInfo) -> DType? {
        guard let own = tensor.dtype, Self.isQuantised(tensor) else { return tensor.dtype }
        guard type.base.blockElements > 1 else { return own == .f32 || own == .f16 || own == .bf16 ? type.base : own }
        return Self.fitting(mixed(tensor), columns: tensor.shape.last ?? 1)
    }

    /// Whether the tensor has the type only because its rows do not fill the blocks of another.
    func isFallback(_ tensor: TensorInfo, _ chosen: DType) -> Bool {
        Self.isQuantised(tensor) && type.base.blockElements > 1 && chosen != mixed(tensor)
    }

    /// Matrices with `weight` in their names, but for norms, routers, positions and small convolutions.
    private static func isQuantised(_ tensor: TensorInfo) -> Bool {
        let dimensions = tensor.shape.drop { $0 == 1 }.count
        let kept = [
            "_norm.weight", "ffn_gate_inp.weight", "altup", "laurel", "per_layer_model_proj", "position_embd",
            "token_types", "ssm_conv1d", "shortconv.conv.weight", "attn_rel_b.weight",
        ]
        return dimensions >= 2 && tensor.name.hasSuffix("weight") && !kept.contains { tensor.name.contains($0) }
    }

    /// The type that the mix gives the matrix, whatever its shape.
    private func mixed(_ tensor: TensorInfo) -> DType {
        let (name, base) = (tensor.name, type.base)
        if name == "output.weight" || (isTied && name == "token_embd.weight") {
            let isPartial = (tensor.shape.last ?? 1) % base.blockElements != 0
            return architecture == "falcon" || isPartial || base == .q8_0 ? .q8_0 : .q6_k
        }
        if Self.isValueMatrix(name) { return valueType(name) }
        let isKMix = type == .q4_k_s || type == .q4_k_m
        if name.contains("attn_k.weight"), expertCount == 8 { return .q8_0 }
        if name.contains("attn_output.weight"), expertCount == 8, isKMix { return .q5_k }
        if name.contains("ffn_down") { return downType(Self.layer(of: name) ?? 0) }
        return base
    }

    private func valueType(_ name: String) -> DType {
        let index = valueMatrices.firstIndex(of: name) ?? 0
        var result = type.base
        switch type {
        case .q4_k_m, .q5_k_m: if Self.getsMoreBits(index, of: valueMatrices.count) { result = .q6_k }
        case .q4_k_s: if index < 4 { result = .q5_k }
        default: break
        }
        if isLlama70B, result == .q4_k { result = .q5_k }
        return expertCount == 8 ? .q8_0 : result
    }

    private func downType(_ layer: Int) -> DType {
        let isMore = Self.getsMoreBits(layer, of: layerCount)
        switch type {
        case .q4_k_m where architecture == "falcon":
            return layer < layerCount / 16 ? .q6_k : isMore ? .q5_k : .q4_k
        case .q4_k_m, .q5_k_m: return isMore ? .q6_k : type.base
        case .q4_k_s: return architecture != "falcon" && layer < layerCount / 8 ? .q5_k : type.base
        default: return type.base
        }
    }

    /// The first and the last eighth, and every third between.
    private static func getsMoreBits(_ index: Int, of count: Int) -> Bool {
        index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2
    }

    /// The type, or one of smaller blocks where the row's elements do not fill blocks of it.
    private static func fitting(_ type: DType, columns: Int) -> DType {
        guard columns % type.blockElements != 0 else { return type }
        let smaller: DType =
            switch type {
            case .q4_k: .q5_0
            case .q5_k: .q5_1
            case .q6_k: .q8_0
            default: .f16
            }
        return columns % smaller.blockElements == 0 ? smaller : .f16
    }

    private static func isValueMatrix(_ name: String) -> Bool {
        ["attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"].contains { name.contains($0) }
    }

    /// The number in `blk.N.`, or nil where the tensor belongs to no layer.
    private static func layer(of name: String) -> Int? {
        let parts = name.split(separator: ".")
        return parts.count > 1 && parts[0] == "blk" ? Int(parts[1]) : nil
    }
}
