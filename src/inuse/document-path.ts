/** Where something stands in a document: keys of maps and indexes of arrays, from the outermost on. */
export type DocumentPath = readonly (string | number)[]

/** `spec.containers[0].image`; keys that would be misread are quoted: `data["values.yaml"]`. */
export function formatDocumentPath(place: DocumentPath): string {
  let text = ''
  for (const step of place) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}
