import type { Administration, Place } from '../../base/feature';
import type { Option } from '../../base/ui/options';

interface Promised {
  place: string;
  level: string;
}

/** What an invite in the making leads to beyond the account, in the places of one slice. */
export class Promises {
  list = $state.raw<readonly Promised[]>([]);

  readonly #admin: Administration;

  constructor(admin: Administration) {
    this.#admin = admin;
  }

  get label(): string {
    return this.#admin.places();
  }

  /** What adding one is called. */
  get adding(): string {
    return this.#admin.add();
  }

  /** Those that are not promised yet. */
  left(offers: readonly Place[]): readonly Place[] {
    return offers.filter(({ value }) => !this.list.some(({ place }) => place === value));
  }

  /** The levels of a place; none when it is not offered any more. */
  levels(offers: readonly Place[], place: string): readonly Option<string>[] {
    return offers.find(({ value }) => value === place)?.levels ?? [];
  }

  /** With the first level that is there: the least. */
  add(place: Place): void {
    const level = place.levels[0]?.value;
    if (level !== undefined) this.list = [...this.list, { place: place.value, level }];
  }

  set(place: string, level: string): void {
    this.list = this.list.map((one) => (one.place === place ? { place, level } : one));
  }

  remove(place: string): void {
    this.list = this.list.filter((one) => one.place !== place);
  }

  clear(): void {
    this.list = [];
  }

  grants(): readonly unknown[] {
    return this.list.map(({ place, level }) => this.#admin.grant(place, level));
  }
}
