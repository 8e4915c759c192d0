/** Where something stands in a document: keys and, from 0, indexes. */
export type Place = readonly (string | number)[]

/** `spec.containers[0].image`; keys of other letters are quoted: `data["values.yaml"]`. */
function formatPlace(place: Place): string {
  const steps = place.map((step, i) => {
    if (typeof step === 'number') return `[${step}]`
    if (!/^[\w$-]+$/.test(step)) return `[${JSON.stringify(step)}]`
    return i === 0 ? step : `.${step}`
  })
  return steps.join('')
}

/** `api.yaml: spec.image`, or the file alone for the whole of a document. */
export function formatBy(where: string, place: Place): string {
  return place.length === 0 ? where : `${where}: ${formatPlace(place)}`
}
