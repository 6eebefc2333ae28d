import { Link, useNavigate, useRouteContext, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { t } from "../i18n";
import { Card, SignInForm } from "./SignIn";

/** The page on which one signs in, and where one goes from there. */
export function SignInRoute() {
  const { to } = useSearch({ from: "/sign-in" });
  const { client } = useRouteContext({ from: "/sign-in" });
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${t("signIn.title")} · ${t("app.name")}`;
  }, []);

  const done = (): void => {
    client.clear();
    // Only a place inside the console.
    const place = to !== undefined && /^\/w\/[^/]/.test(to) ? to : "/";
    void navigate({ to: place });
  };
  return (
    <Card
      below={
        <>
          <Link to="/forgot">{t("forgot.link")}</Link>
          <Link to="/sign-up">{t("signUp.link")}</Link>
        </>
      }
    >
      <SignInForm done={done} />
    </Card>
  );
}
