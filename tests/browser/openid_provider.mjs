// A real OpenID provider (the certified npm package oidc-provider) on loopback, with its own sign-in form.
//   node openid_provider.mjs PORT REDIRECT_URI ACCOUNTS   (ACCOUNTS: JSON, claims by login name; any password will do)
import Provider from "oidc-provider";

const [port, redirect, accounts] = process.argv.slice(2);
const claims = JSON.parse(accounts);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "ekm", client_secret: "not-a-secret-of-anyone", redirect_uris: [redirect], post_logout_redirect_uris: [redirect] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  conformIdTokenClaims: false, // as the large providers do: the claims stand in the identity token
  findAccount: (_, id) => (id in claims ? { accountId: id, claims: () => ({ sub: id, ...claims[id] }) } : undefined),
  cookies: { keys: ["for-this-test-alone"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
