import { colour } from "./colours";
import { percent } from "./words";

/** Shows a bar for each possible label. */
export function Bars({ probabilities, sorted }: { probabilities: Record<string, number>; sorted?: boolean }) {
    const bars = Object.entries(probabilities);
    if (sorted) {
        bars.sort(([, a], [, b]) => b - a);
    }
    return (
        <ul class="bars">
            {bars.map(([label, probability]) => (
                <li key={label}>
                    <span>{label}</span>
                    <span class="bar">
                        <span style={{ width: `${100 * probability}%`, background: colour(label) }} />
                    </span>
                    <span>{percent(probability)}</span>
                </li>
            ))}
        </ul>
    );
}
