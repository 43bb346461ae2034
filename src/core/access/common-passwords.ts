/** Passwords that guessing programs try first, in lower case. */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  `
  123 1234 12345 123456 1234567 12345678 123456789 1234567890 0123456789 111111 000000 00000000
  11111111 22222222 55555555 66666666 77777777 88888888 99999999 121212 12121212 123123 123123123
  123321 112233 11223344 654321 87654321 987654321 0987654321 666666 696969 777777 888888 999999
  131313 101010 102030 159753 147258369 147852369 123654789 789456123 1q2w3e 1q2w3e4r 1q2w3e4r5t
  1q2w3e4r5t6y 1qaz2wsx 1qazxsw2 1qaz2wsx3edc zaq12wsx zaq1zaq1 qazwsx qazwsxedc qaz123 q1w2e3r4
  q1w2e3r4t5 q1w2e3r4t5y6 qwer1234 qwerty qwerty1 qwerty12 qwerty123 qwerty1234 qwerty12345
  qwertyui qwertyuiop qwertyuiop123 qwertz qwertzuiop azerty azertyuiop asdf asdfasdf asdfgh
  asdfghjk asdfghjkl asdf1234 asdfqwer asd123 zxcvbn zxcvbnm zxcvbnm123 zxcvbnm1 abc123 abcd1234
  abcdefg abcdefgh abcdefg1 abcdef12 a1b2c3 a1b2c3d4 aa123456 aaaaaaaa abc12345 abc123456 1234abcd
  123456abc 123456a a123456 a1234567 a12345678 a123456789 123qwe 123qweasd qweasd qweasdzxc qwe123
  123abc 1234qwer 12qwaszx 1a2b3c4d 1password pass pass1234 pass12345 passw0rd p@ssw0rd p@ssword
  p@55w0rd pa55word password password! password0 password1 password1! password01 password10
  password11 password12 password123 password1234 password12345 password123456 password2 password21
  password3 passwort passwort1 passwort123 motdepasse contraseña contrasena wachtwoord senha123
  letmein letmein1 letmein123 letmeinnow welcome welcome1 welcome01 welcome12 welcome123 welcome2
  admin admin1 admin12 admin123 admin1234 admin12345 admin123456 adminadmin administrator root
  rootroot root1234 toor toor1234 user user1234 username guest guest123 guestguest default
  default1 test test1 test12 test123 test1234 test12345 testing testing1 testing123 testtest tester
  changeme changeme1 changeme123 change-me changeit secret secret1 secret12 secret123 topsecret
  iloveyou iloveyou1 iloveyou2 iloveu loveyou lovelove loveme love1234 sunshine sunshine1 princess
  princess1 monkey monkey1 monkey12 monkey123 dragon dragon1 dragon12 dragon123 master master1
  master123 football football1 footbal1 baseball baseball1 basketball basketball1 softball
  hockey soccer soccer12 superman superman1 batman batman123 spiderman starwars starwars1 trustno1
  shadow shadow12 shadow123 michael michael1 jennifer jordan jordan23 jessica jessica1 michelle
  michelle1 ashley ashley12 daniel daniel12 charlie charlie1 charlie123 thomas matthew matthew1
  andrew andrew12 joshua joshua12 robert robert12 anthony anthony1 william william1 nicholas
  nicholas1 samantha samantha1 elizabeth elizabeth1 christopher alexander alexander1 victoria
  victoria1 jonathan patricia patrick patrick1 benjamin benjamin1 brandon brandon1 brittany
  computer computer1 internet internet1 network server server123 service database oracle postgres
  mysql redhat redhat123 ubuntu debian centos fedora linux123 windows windows1 microsoft google
  google123 facebook samsung samsung1 mustang mustang1 ferrari porsche mercedes corvette corvette1
  chelsea chelsea1 arsenal arsenal1 liverpool liverpool1 barcelona realmadrid manchester juventus
  pokemon pokemon1 pikachu nintendo playstation minecraft minecraft1 fortnite warcraft diablo123
  whatever whatever1 freedom freedom1 blessed1 forever forever1 forever21 hello hello1 hello123
  hello1234 helloworld hello-world cookie cookie123 chocolate chocolate1 butterfly butterfly1
  purple12 purple123 flower12 flowers1 summer summer12 summer123 summer2023 summer2024 summer2025
  winter12 winter123 winter2023 winter2024 winter2025 spring2024 spring2025 autumn2024 january1
  december december1 november september august12 monday123 friday13 babygirl babygirl1 angel123
  jesus123 jesuschrist heaven123 lucky777 ninja123 killer12 killer123 hunter12 hunter123 ranger12
  maverick maverick1 phoenix1 thunder1 titanic1 rainbow1 diamond1 crystal1 creative dolphin1
  elephant scorpion slipknot metallica nirvana1 eminem12 50cent12 blink182 access14 access123
  access1234 security security1 private1 system32 manager1 supervisor operator support1 support123
  letmein! qwerty! p@ssw0rd1 p@ssw0rd123 passw0rd1 passw0rd! welcome1! admin@123 admin!123
  test@123 root@123 abc@1234 india123 pakistan america1 canada12 australia germany1 hamburg1
  trinidad singapore bismillah aaaaaa aaaaa11111   snoopy12
  swordfish tinkerbell trouble1 vampire1 westside wildcats yankees1 yellow12 lakers24 cowboys1
  steelers eagles12 redskins packers1 broncos1 raiders1 gandalf1 midnight midnight1 marlboro1
  `
    .split(/\s+/)
    .filter((word) => word !== ""),
);
