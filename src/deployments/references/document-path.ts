/** A position in a document: keys of maps and indexes of arrays, the outermost first. */
export type DocumentPath = readonly (string | number)[]

/** `spec.containers[0].image`; other keys are quoted: `data["values.yaml"]`. */
export function formatDocumentPath(place: DocumentPath): string {
  let text = ''
  for (const step of place) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}
