import { isMap, textOf } from '../documents.ts'
import type { Steps } from '../walk-position.ts'

const maxKeys = 100

/** A value, and the steps to its text. */
export interface PlacedValue {
  readonly value: unknown
  readonly steps: Steps
}

/** The places of values in maps that a merge made. */
export class MergedPlaces {
  readonly #places = new WeakMap<object, Map<string, Steps>>()

  /** Undefined if the value is written in the map. */
  of(map: object, key: string): Steps | undefined {
    return this.#places.get(map)?.get(key)
  }

  /**
   * Merges the values in `helm` of an Argo CD Application: the single `parameters` override the
   * others.
   * @param values the parsed text under `values`; Argo CD ignores it if there is a `valuesObject`
   * @param steps the position of `helm`
   */
  mergeApplication(
    { valuesObject, parameters }: Readonly<Record<string, unknown>>,
    values: readonly PlacedValue[],
    steps: Steps,
  ): PlacedValue {
    const single = Array.isArray(parameters)
      ? parameters.map((parameter, i) => this.#parameterValue(parameter, [...steps, 'parameters', i]))
      : []
    const whole = isMap(valuesObject) ? [{ value: valuesObject, steps: [...steps, 'valuesObject'] }] : values
    const empty: PlacedValue = { value: {}, steps: whole[0]?.steps ?? [...steps, 'parameters'] }
    return [...whole, ...single].reduce((below, above) => this.#merge(below, above), empty)
  }

  /**
   * `{ name: image.tag, value: 1.2 }` as `{ image: { tag: 1.2 } }`; a dot after a backslash is part
   * of a key.
   */
  #parameterValue(parameter: unknown, steps: Steps): PlacedValue {
    if (!isMap(parameter)) return { value: {}, steps }
    const keys = (textOf(parameter['name']) ?? '').split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.'))
    // No values are nested deeper.
    if (keys.length > maxKeys) return { value: {}, steps }
    const last: PlacedValue = { value: parameter['value'], steps: [...steps, 'value'] }
    return keys.reduceRight((inner, key) => {
      const value = { [key]: inner.value }
      this.#places.set(value, new Map([[key, inner.steps]]))
      return { value, steps }
    }, last)
  }

  /** @param depth an alias can contain itself, so it is limited */
  #merge(below: PlacedValue, above: PlacedValue, depth = 0): PlacedValue {
    if (above.value === undefined || above.value === null) return below
    if (!isMap(below.value) || !isMap(above.value) || depth > maxKeys) return above
    const result = new Map(this.#children(below.value, below.steps))
    for (const [key, child] of this.#children(above.value, above.steps)) {
      const former = result.get(key) ?? { value: undefined, steps: child.steps }
      result.set(key, this.#merge(former, child, depth + 1))
    }
    const value = Object.fromEntries([...result].map(([key, child]) => [key, child.value]))
    this.#places.set(value, new Map([...result].map(([key, child]) => [key, child.steps])))
    return { value, steps: below.steps }
  }

  #children(map: Readonly<Record<string, unknown>>, steps: Steps): readonly [string, PlacedValue][] {
    return Object.entries(map).map(([key, value]) => [
      key,
      { value, steps: this.of(map, key) ?? [...steps, key] },
    ])
  }
}
