/// A drawing of lines, marks and text as one SVG 1.1 file. Coordinates in pixels, y downwards.
struct SVGDrawing {
    private let width: Int
    private let height: Int
    private var elements: [String] = []

    /// Where a text stands against its x.
    enum Anchor: String {
        case start, middle, end
    }

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    private static func number(_ value: Double) -> String { DecimalText.text(value, decimals: 1) }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, color: String, width: Double = 1) {
        elements.append(
            "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" "
                + "y2=\"\(Self.number(y2))\" stroke=\"\(color)\" stroke-width=\"\(Self.number(width))\"/>")
    }

    mutating func path(_ points: [(x: Double, y: Double)], color: String) {
        let list = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
        elements.append("<polyline points=\"\(list)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.8\"/>")
    }

    /// A round mark, filled or hollow.
    mutating func dot(_ x: Double, _ y: Double, color: String, isFilled: Bool) {
        elements.append(
            "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"4\" "
                + "fill=\"\(isFilled ? color : "#ffffff")\" stroke=\"\(color)\" stroke-width=\"1.5\"/>")
    }

    /// `turned` runs upwards.
    mutating func text(
        _ text: String, _ x: Double, _ y: Double, anchor: Anchor = .start, size: Int = 12, isBold: Bool = false,
        turned: Bool = false
    ) {
        let turn = turned ? " transform=\"rotate(-90 \(Self.number(x)) \(Self.number(y)))\"" : ""
        let weight = isBold ? " font-weight=\"bold\"" : ""
        elements.append(
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor.rawValue)\" "
                + "font-size=\"\(size)\"\(weight)\(turn)>\(Self.escaped(text))</text>")
    }

    /// The file's text.
    var svg: String {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"#222222\">\n"
            + "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#ffffff\"/>\n"
            + elements.joined(separator: "\n") + "\n</svg>\n"
    }
}
