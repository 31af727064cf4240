/// The product's name and version, in the banner, in `--version` and in `keyhold_build_info`.
public enum ProductVersion {
    public static let text = "keyhold 0.1.0"
}
