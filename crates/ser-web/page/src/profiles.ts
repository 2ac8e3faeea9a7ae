// The enrolled speakers that this browser keeps: how each voice sounds on average, and no recordings.

import { store, stored, storedKeys } from "./storage";

const PREFIX = "ser.speaker.";

export class Profiles {
    names(): string[] {
        return storedKeys().filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)).sort();
    }

    get(name: string): Uint8Array | undefined {
        const profile = stored(PREFIX + name);
        return profile === undefined ? undefined : new TextEncoder().encode(profile);
    }

    set(name: string, profile: Uint8Array) {
        store(PREFIX + name, new TextDecoder().decode(profile));
    }

    remove(name: string) {
        localStorage.removeItem(PREFIX + name);
    }
}
