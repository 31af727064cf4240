public enum ServerProcess {
    public static func run(_ configuration: ServerConfiguration) throws {}
}
