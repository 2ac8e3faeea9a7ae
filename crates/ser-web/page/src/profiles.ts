// The enrolled speakers that this browser keeps: how each voice sounds on average, and no recordings.

const PREFIX = "ser.speaker.";

export class Profiles {
    names(): string[] {
        const keys = Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? "");
        return keys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)).sort();
    }

    get(name: string): Uint8Array | undefined {
        const profile = localStorage.getItem(PREFIX + name);
        return profile === null ? undefined : new TextEncoder().encode(profile);
    }

    set(name: string, profile: Uint8Array) {
        localStorage.setItem(PREFIX + name, new TextDecoder().decode(profile));
    }

    remove(name: string) {
        localStorage.removeItem(PREFIX + name);
    }
}
