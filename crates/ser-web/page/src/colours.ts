// A colour for each emotion, from the palette of Okabe and Ito, which colour-blind people can distinguish.

const COLOURS: Record<string, string> = {
    neutral: "#8a94a3",
    calm: "#009e73",
    happy: "#e69f00",
    sad: "#0072b2",
    angry: "#d55e00",
    fearful: "#7f5fb5",
    disgust: "#7d8a1e",
    surprised: "#cc79a7",
};
/** The labels that have a colour of their own. */
export const LABELS = Object.keys(COLOURS);
const OTHERS = Object.values(COLOURS);

export function colour(label: string): string {
    const letters = [...label].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    return COLOURS[label] ?? OTHERS[letters % OTHERS.length] ?? "gray";
}
