/** The keys and indexes that lead to a value of a file. */
export type Path = readonly (string | number)[]

/** Formats a path of keys: `environments.prod.promoteFrom[0]`, `registries["r.io"].ca`. */
export function formatKeyPath(path: Path): string {
  return path
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w$-]+$/.test(step)) return `[${JSON.stringify(step)}]`
      return i === 0 ? step : `.${step}`
    })
    .join('')
}
