/// The product's name and version, in the banner, in `--version` and in `keyhold_build_info`.
public enum ProductVersion {
    static let number = "0.1.0"

    public static let text = "keyhold \(number)"
}
