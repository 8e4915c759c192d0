/** A user and password are before the last `@` that precedes the first slash. */
const userInfo = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/'"]*@/gi
const secretParameter = /([?&][\w-]*(?:token|password|secret|key)=)[^\s&'"]+/gi

/** Removes users, passwords and tokens from the URLs in a text, such as the messages of git. */
export function redactUrls(text: string): string {
  return text.replace(userInfo, '$1').replace(secretParameter, '$1***')
}
